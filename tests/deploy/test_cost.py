"""Bills checked by hand: each expected figure is written as the sum that a person would do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from hfaas_deploy import cost, fdl, prices
from hfaas_deploy.cost import Usage
from hfaas_deploy.pipeline import Batch, ComputeResources, Machines, MultiNode, Pipeline
from hfaas_deploy.prices import Prices

ROUND = Prices(
    region="test-1",
    written=date(2026, 1, 1),
    **{
        **dict.fromkeys(prices.NAMES, 1.0),
        "lambda_x86_gb_s": 0.00002,
        "lambda_request": 0.0000002,
        "fargate_vcpu_hour": 0.04,
        "fargate_gb_hour": 0.005,
        "g4dn_xlarge_hour": 0.5,
        "egress_gb": 0.1,
        "secret_month": 0.4,
        "schedule": 0.000001,
    },
)
"""Prices that a person can multiply with."""

PIPELINE = """\
functions:
  aws:
  - lambda:
      name: faces
      memory: 1024
      container: {{image: x}}
      input: [{{storage_provider: onedata.hub, path: in}}]
      output: [{{storage_provider: onedata.hub, path: out}}]
storage_providers:
  onedata:
    hub: {{oneprovider_host: hub.example.org, space: films, token: secret}}
{more}"""


def read(tmp_path: Path, text: str) -> Pipeline:
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    return fdl.read(file)


def test_a_function_of_2_gb_that_runs_30_s_pays_for_60_gb_seconds_and_a_request() -> None:
    usage = cost.invocation(2048, 30)

    assert usage.amounts == {"lambda_x86_gb_s": 60, "lambda_request": 1}
    assert cost.total(usage, ROUND) == pytest.approx(60 * 0.00002 + 0.0000002)


def test_arm_has_a_price_of_its_own() -> None:
    assert cost.invocation(1024, 1, architecture="arm64")["lambda_arm_gb_s"] == 1


def test_only_what_tmp_has_above_512_mb_costs() -> None:
    assert cost.invocation(128, 10, tmp_mb=512)["lambda_tmp_gb_s"] == 0
    assert cost.invocation(128, 10, tmp_mb=2560)["lambda_tmp_gb_s"] == 20


def test_an_hour_on_fargate() -> None:
    usage = cost.job(3600, Batch(2, 4096))

    assert cost.total(usage, ROUND) == pytest.approx(2 * 0.04 + 4 * 0.005)


def test_fargate_sells_a_minute_at_least_and_whole_pairs() -> None:
    usage = cost.job(5, Batch(1, 512))

    assert usage["fargate_vcpu_hour"] == pytest.approx(1 / 60)
    assert usage["fargate_gb_hour"] == pytest.approx(2 / 60)  # one vCPU comes with 2 GB at least


def test_more_memory_than_the_vcpus_are_sold_with_brings_more_vcpus() -> None:
    assert cost.job(3600, Batch(1, 16_384))["fargate_vcpu_hour"] == 2


def test_a_gpu_job_of_a_minute_pays_for_boot_and_idle_too() -> None:
    usage = cost.job(60, Batch(4, 8192, gpu=True, compute=ComputeResources(Machines.EC2)))

    assert usage.amounts == {"g4dn_xlarge_hour": pytest.approx((180 + 60 + 60) / 3600)}
    assert cost.total(usage, ROUND) == pytest.approx(0.5 * 300 / 3600)


@pytest.mark.parametrize(
    ("batch", "name"),
    [
        (Batch(gpu=True, compute=ComputeResources(Machines.EC2, instance_types=("g5.xlarge",))), "g5_xlarge_hour"),
        (Batch(gpu=True, compute=ComputeResources(Machines.EC2, instance_types=("g4dn",))), "g4dn_xlarge_hour"),
        (Batch(compute=ComputeResources(Machines.EC2)), "m5_vcpu_hour"),
        (Batch(compute=ComputeResources(Machines.SPOT, instance_types=("c5.large",))), "c5_vcpu_hour"),
    ],
)
def test_each_machine_has_its_price(batch: Batch, name: str) -> None:
    assert set(cost.job(10, batch).amounts) == {name}


def test_each_node_of_a_job_has_a_machine() -> None:
    one = cost.job(60, Batch(2, 4096, compute=ComputeResources(Machines.EC2)))
    three = cost.job(60, Batch(2, 4096, compute=ComputeResources(Machines.EC2), multi_node=MultiNode(3)))

    assert three["m5_vcpu_hour"] == pytest.approx(3 * one["m5_vcpu_hour"])


def test_traffic_is_counted_in_decimal_units() -> None:
    usage = cost.transfers(puts=3, gets=2, egress_bytes=250_000_000)

    assert usage.amounts == {"s3_put": 3, "s3_get": 2, "egress_gb": 0.25}


def test_the_bill_has_a_line_for_what_was_used_and_sums_up_by_what_is_paid_for() -> None:
    usage = cost.invocation(1024, 10) + cost.transfers(egress_bytes=1_000_000_000)
    bill = cost.lines(usage, ROUND)

    assert [(line.name, line.quantity) for line in bill] == [
        ("lambda_x86_gb_s", 10),
        ("lambda_request", 1),
        ("egress_gb", 1),
    ]
    assert cost.by_group(usage, ROUND) == {
        "Onedata": pytest.approx(0.1),
        "Lambda": pytest.approx(0.0002002),
    }
    assert list(cost.by_group(usage, ROUND)) == ["Onedata", "Lambda"]  # the dearest first


def test_a_thousand_runs_cost_a_thousand_times_as_much() -> None:
    one = cost.invocation(1024, 10)

    assert cost.total(one.times(1000), ROUND) == pytest.approx(1000 * cost.total(one, ROUND))


def test_a_thing_without_a_price_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="moon"):
        Usage({"moon": 1})


def test_a_pipeline_that_watches_a_space_costs_while_nothing_happens(tmp_path: Path) -> None:
    month = cost.standing(read(tmp_path, PIPELINE.format(more="")))

    assert month["secret_month"] == 1
    assert month["schedule"] == month["lambda_request"] == 43_200
    assert month["lambda_x86_gb_s"] == pytest.approx(43_200 * 0.25)  # looks of a second with 256 MB
    by_hand = 0.4 + 43_200 * (0.000001 + 0.0000002 + 0.25 * 0.00002)
    assert cost.total(month, ROUND) == pytest.approx(by_hand)


def test_looking_every_5_minutes_costs_a_fifth(tmp_path: Path) -> None:
    month = cost.standing(read(tmp_path, PIPELINE.format(more="hfaas: {poll: 5}\n")))

    assert month["schedule"] == pytest.approx(43_200 / 5)


def test_a_pipeline_of_s3_and_lambda_costs_nothing_while_nothing_happens(tmp_path: Path) -> None:
    text = "functions:\n  aws:\n  - lambda: {name: f, container: {image: x}}\n"

    assert cost.standing(read(tmp_path, text)).amounts == {}


def test_machines_that_are_kept_cost_all_month(tmp_path: Path) -> None:
    text = """\
functions:
  aws:
  - lambda: {name: f, container: {image: x}, execution_mode: batch}
    batch: {compute_resources: {type: EC2, min_v_cpus: 2, max_v_cpus: 4}}
"""

    assert cost.standing(read(tmp_path, text)).amounts == {"m5_vcpu_hour": 1460}


def test_what_is_taken_for_granted_is_said(tmp_path: Path) -> None:
    text = """\
functions:
  aws:
  - lambda: {name: f, container: {image: x}, execution_mode: batch}
    batch: {enable_gpu: true, compute_resources: {type: SPOT, instance_types: [p3.2xlarge]}}
"""
    told = cost.assumptions(read(tmp_path, text))

    assert "boots 180 s and idles 60 s" in told[0]
    assert told[1] == "spot machines at the price of others"
    assert told[2] == "p3.2xlarge of f at the price of g4dn.xlarge"


def test_of_a_job_whose_pipeline_is_not_known_only_a_gpu_means_ec2() -> None:
    assert cost.like(2, 4096, gpu=True).compute.kind is Machines.EC2
    assert cost.like(0, 0, gpu=False).compute.kind is Machines.FARGATE
