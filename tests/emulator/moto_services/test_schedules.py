"""Schedules and rules with schedules through AWS's own client, until their targets have what they fire."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
}
OFF = {"Mode": "OFF"}


class Post:
    """A queue of its own, a role, and schedules that send to the queue."""

    def __init__(self, emulator: Any) -> None:
        self.sqs, self.scheduler = emulator.client("sqs"), emulator.client("scheduler")
        self.name = f"q-{uuid.uuid4().hex[:8]}"
        self.url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        shown = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = shown["Attributes"]["QueueArn"]
        made = emulator.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(TRUST))
        self.role = made["Role"]["Arn"]

    def schedule(self, **more: Any) -> str:
        """Make a schedule that fires at once unless it is told otherwise, and return its name."""
        name = str(more.pop("Name", f"s-{uuid.uuid4().hex[:8]}"))
        target = {"Arn": self.arn, "RoleArn": self.role, **more.pop("Target", {})}
        settings = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, **more}
        self.scheduler.create_schedule(Name=name, Target=target, **settings)
        return name

    def received(self) -> dict[str, Any]:
        """Return the message that is there, or that comes within a minute."""
        asked = {"QueueUrl": self.url, "WaitTimeSeconds": 20, "MessageAttributeNames": ["All"]}
        for _ in range(3):
            if found := self.sqs.receive_message(**asked).get("Messages"):
                (message,) = found
                return dict(message)
        raise AssertionError("no message came")

    def refused(self, **more: Any) -> str:
        with pytest.raises(ClientError) as error:
            self.schedule(**more)
        return str(error.value)


@pytest.fixture
def post(emulator: Any) -> Post:
    return Post(emulator)


def at(moment: float) -> str:
    """Write the expression of what fires once, at a whole second."""
    return time.strftime("at(%Y-%m-%dT%H:%M:%S)", time.gmtime(moment))


def antedate(client: Any, operation: str, moment: float) -> None:
    """Have a client's requests for an operation say that they were made at a moment; `scheduler.CreateSchedule`."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))

    def put(request: Any, **_: Any) -> None:
        request.headers["X-Amz-Date"] = date

    client.meta.events.register(f"before-send.{operation}", put)


def test_a_target_without_an_input_gets_schedulers_notification(post: Post) -> None:
    name = post.schedule()
    event = json.loads(post.received()["Body"])
    assert (event["detail-type"], event["source"], event["detail"]) == ("Scheduled Event", "aws.scheduler", "{}")
    assert event["resources"] == [f"arn:aws:scheduler:us-east-1:{event['account']}:schedule/default/{name}"]


def test_an_input_is_sent_with_schedulers_words_filled_in(post: Post) -> None:
    name = post.schedule(Target={"Input": "<aws.scheduler.schedule-arn> <aws.scheduler.attempt-number>"})
    assert post.received()["Body"].endswith(f":schedule/default/{name} 1")


def test_a_function_is_invoked_in_the_run_that_the_firing_begins(emulator: Any, post: Post) -> None:
    arn = emulator.function(post.name)["FunctionArn"]
    post.schedule(Target={"Arn": arn, "Input": '{"a": 1}'})
    fired, queued = (hops(emulator, what, post.name) for what in ("schedule.fired", "event.queued"))
    assert fired["run"] == queued["run"] != ""
    assert queued["detail"]["origin"] == "scheduler"


def hops(emulator: Any, what: str, name: str) -> dict[str, Any]:
    """Wait for a hop about a function."""
    with urlopen(f"{emulator.endpoint}/_hfaas/trace?since=0&follow=1", timeout=60) as lines:
        for line in lines:
            hop: dict[str, Any] = json.loads(line) if line.strip() else {}
            if hop.get("what") == what and name in str(hop["detail"]):
                return hop
    raise AssertionError(what)


def test_a_bus_gets_an_event_of_the_schedules_kind(emulator: Any, post: Post) -> None:
    events, name = emulator.client("events"), post.name
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["mine"]}')
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": post.arn}])
    kind = {"DetailType": "tick", "Source": "mine"}
    post.schedule(Target={"Arn": bus, "Input": '{"a": 1}', "EventBridgeParameters": kind})
    event = json.loads(post.received()["Body"])
    assert (event["detail-type"], event["detail"]) == ("tick", {"a": 1})


def test_a_missing_target_leaves_a_dead_letter_and_a_finished_schedule_goes(post: Post) -> None:
    """The request says that it was made a minute ago, so that the schedule was not over then, and is due by now."""
    antedate(post.scheduler, "scheduler.CreateSchedule", time.time() - 60)
    target = {"Arn": post.arn + "-missing", "DeadLetterConfig": {"Arn": post.arn}, "Input": "lost"}
    once = at(time.time() - 30)
    name = post.schedule(ScheduleExpression=once, ActionAfterCompletion="DELETE", Target=target)
    letter = post.received()
    said = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert (letter["Body"], said["RETRY_ATTEMPTS"], said["TARGET_ARN"]) == ("lost", "0", target["Arn"])
    assert "EXHAUSTED_RETRY_CONDITION" not in said
    for _ in range(3_000):
        if not post.scheduler.list_schedules(NamePrefix=name)["Schedules"]:
            return
        time.sleep(0.02)
    pytest.fail("it is still there")


def test_a_rule_fires_aws_scheduled_event_into_its_target(emulator: Any, post: Post) -> None:
    """The request that enables it says that it was made a minute ago, so that the first minute is over."""
    events = emulator.client("events")
    antedate(events, "events.EnableRule", time.time() - 60)
    events.put_rule(Name=post.name, ScheduleExpression="rate(1 minute)", State="DISABLED")
    events.put_targets(Rule=post.name, Targets=[{"Id": "1", "Arn": post.arn}])
    events.enable_rule(Name=post.name)
    event = json.loads(post.received()["Body"])
    assert (event["detail-type"], event["source"], event["detail"]) == ("Scheduled Event", "aws.events", {})
    assert event["resources"][0].endswith(f":rule/{post.name}")
    assert event["time"].endswith("Z")
    events.disable_rule(Name=post.name)


def test_a_disabled_schedule_does_not_fire_and_an_update_enables_it(post: Post) -> None:
    name = post.schedule(State="DISABLED")
    assert "Messages" not in post.sqs.receive_message(QueueUrl=post.url)
    target = {"Arn": post.arn, "RoleArn": post.role}
    post.scheduler.update_schedule(
        Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow=OFF, Target=target
    )
    assert post.received()["Body"]
    assert post.scheduler.get_schedule(Name=name)["State"] == "ENABLED"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ScheduleExpression": "rate(0 minutes)"}, "Invalid Schedule Expression rate(0 minutes)."),
        ({"ScheduleExpression": "cron(0 0 * * * *)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars/Phobos"}, "Mars/Phobos is no time zone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes"),
        ({"FlexibleTimeWindow": {"Mode": "SOMETIMES"}}, "enum value set"),
        ({"State": "ON"}, "enum value set: [ENABLED, DISABLED]"),
        ({"StartDate": time.time() - 3_600}, "cannot be earlier than 5 minutes ago"),
        ({"EndDate": time.time() - 3_600}, "in the past"),
        ({"GroupName": "nobody"}, "Schedule group nobody does not exist."),
        ({"Name": "a b"}, "regular expression"),
        ({"Target": {"RoleArn": ""}}, "needs the RoleArn"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:batch:submitJob"}}, "are not emulated"),
        ({"Target": {"Arn": "arn:aws:states:us-east-1:1:stateMachine:s"}}, "Targets of states are not emulated"),
        ({"Target": {"Arn": "nonsense"}}, "not in correct format"),
        ({"Target": {"Arn": "arn:aws:lambda:us-east-1:1:function:f", "Input": "{"}}, "not valid JSON"),
        ({"Target": {"Arn": "arn:aws:events:us-east-1:1:event-bus/b"}}, "EventBridgeParameters"),
        ({"Target": {"Arn": "arn:aws:sqs:us-east-1:1:q.fifo"}}, "MessageGroupId"),
        ({"Target": {"RetryPolicy": {"MaximumRetryAttempts": 186}}}, "from 0 to 185"),
        ({"Target": {"DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:1:q.fifo"}}}, "no standard queue"),
    ],
)
def test_what_could_never_fire_is_refused(post: Post, more: dict[str, Any], said: str) -> None:
    assert said in post.refused(**more)


def test_a_role_that_scheduler_may_not_assume_is_refused(emulator: Any, post: Post) -> None:
    role = emulator.role(f"other-{post.name}")
    assert "must allow AWS EventBridge Scheduler to assume the role" in post.refused(Target={"RoleArn": role})
    assert "must allow" in post.refused(Target={"RoleArn": role + "-missing"})


@pytest.mark.parametrize("expression", ["rate(1 minutes)", "cron(0 0 * * * *)", "at(2030-01-01T00:00:00)"])
def test_a_rule_with_nonsense_for_a_schedule_is_refused(emulator: Any, expression: str) -> None:
    with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
        emulator.client("events").put_rule(Name="nonsense", ScheduleExpression=expression)


def test_a_group_goes_with_its_schedules_and_the_default_one_stays(post: Post) -> None:
    post.scheduler.create_schedule_group(Name=post.name)
    with pytest.raises(ClientError, match="already exists"):
        post.scheduler.create_schedule_group(Name=post.name)
    name = post.schedule(GroupName=post.name)
    post.scheduler.delete_schedule_group(Name=post.name)
    assert not post.scheduler.list_schedules(NamePrefix=name)["Schedules"]
    for group, said in (("default", "cannot be deleted"), ("nobody", "does not exist")):
        with pytest.raises(ClientError, match=said):
            post.scheduler.delete_schedule_group(Name=group)


def test_a_rules_target_that_is_missing_leaves_a_dead_letter(emulator: Any, post: Post) -> None:
    events = emulator.client("events")
    events.put_rule(Name=post.name, EventPattern=json.dumps({"source": [post.name]}))
    missing = "arn:aws:lambda:us-east-1:000000000000:function:missing"
    target = {"Id": "1", "Arn": missing, "DeadLetterConfig": {"Arn": post.arn}}
    events.put_targets(Rule=post.name, Targets=[target])
    events.put_events(Entries=[{"Source": post.name, "DetailType": "d", "Detail": "{}"}])
    said = post.received()["MessageAttributes"]
    assert said["TARGET_ARN"]["StringValue"] == missing
    assert said["ERROR_CODE"]["StringValue"] == "ResourceNotFoundException"


def test_a_schedule_of_a_template_fires(emulator: Any, post: Post) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
    target = {"Arn": post.arn, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Input": "from a template"}
    settings = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": target}
    schedule = {"Type": "AWS::Scheduler::Schedule", "Properties": settings}
    emulator.client("cloudformation").create_stack(
        StackName=post.name,
        TemplateBody=json.dumps({"Resources": {"Role": role, "Schedule": schedule}}),
        Capabilities=["CAPABILITY_IAM"],
    )
    with urlopen(f"{emulator.endpoint}/_hfaas/idle?wait=60", timeout=90) as answer:
        assert json.load(answer)["idle"]
    assert post.received()["Body"] == "from a template"
