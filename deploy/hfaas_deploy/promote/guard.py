"""Before a promotion: whose credentials these are, whether it may go there, and where jobs run in that account.

Every client comes from `Target.client`, which looks at the host before a call is made; so the first byte that leaves
this machine goes to AWS, or to what stands in for it, and nowhere else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from hfaas_deploy.aws import credentials, refusals
from hfaas_deploy.aws.target import Target, forget_credentials
from hfaas_deploy.errors import CredentialsError, NoNetwork, WrongAccount, WrongTarget
from hfaas_deploy.pipeline import Pipeline
from hfaas_deploy.promote import mounts
from hfaas_deploy.promote.promotion import Identity
from hfaas_deploy.template import network

EMULATED = frozenset({"000000000000", "123456789012"})
"""Accounts that emulators give out, and AWS to nobody."""

ANSWER_S = 20.0


def profile_of(pipeline: Pipeline) -> str:
    """The profile that the pipeline file asks for, where no option names one; empty for none."""
    written = {f.boto_profile for f in pipeline.functions if f"{f.place}.lambda.boto_profile" in pipeline.spots}
    return next((one for one in sorted(written) if one != "default"), "")


def identify(target: Target) -> Identity:
    """Ask STS whose credentials these are; CredentialsError says what to do when they are of no use."""
    if not target.is_aws:
        raise WrongTarget("a promotion goes to AWS, and this is an emulator", "use --target aws")
    try:
        sts: Any = target.client("sts", ANSWER_S)
        told = sts.get_caller_identity()
    except ClientError as fault:
        forget_credentials()
        raise _refused(fault, target) from None
    except BotoCoreError as fault:
        forget_credentials()
        raise credentials.absence(fault, target.profile, target.region) from None
    return Identity(
        account=str(told["Account"]),
        arn=str(told["Arn"]),
        region=target.region,
        host=urlsplit(sts.meta.endpoint_url).hostname or "",
        alias=_alias(target),
        is_stand_in=target.is_stand_in,
    )


def admit(identity: Identity, pin: str) -> None:
    """WrongAccount unless a promotion may go to this account; `pin` is the only one allowed, empty for any."""
    if identity.account in EMULATED and not identity.is_stand_in:
        raise WrongAccount(
            f"account {identity.account} is that of an emulator, not one of AWS",
            "name your own credentials with --profile, or rehearse with `hfaas deploy`",
        )
    if pin and identity.account != pin:
        raise WrongAccount(
            f"the pipeline is for account {pin}, these credentials are of {identity.account}",
            "name others with --profile, or change hfaas.account in the pipeline file",
        )


def settled(target: Target, identity: Identity, pipeline: Pipeline) -> Target:
    """The target with its account, where jobs need it the default VPC's subnets and group, and what is mounted.

    NoNetwork or FileSystemError when the account does not have in this region what is needed.
    """
    placed = _placed(target, identity, pipeline)
    return replace(placed, file_systems=tuple(mounts.found(placed, identity, pipeline).items()))


def _placed(target: Target, identity: Identity, pipeline: Pipeline) -> Target:
    wanted = network.parameters(pipeline)
    if not {network.SUBNETS, network.GROUPS} & set(wanted):
        return target.within(identity.account)
    try:
        ec2: Any = target.client("ec2", ANSWER_S)
        vpc = _default_vpc(ec2)
        subnets = _subnets(ec2, vpc) if vpc else ()
        groups = _groups(ec2, vpc) if vpc else ()
    except ClientError as fault:
        said = fault.response.get("Error", {}).get("Message") or fault
        hint = (
            "you need ec2:DescribeVpcs, DescribeSubnets and DescribeSecurityGroups, or subnets in the pipeline file"
        )
        raise credentials.refusal(fault, target.profile) or NoNetwork(
            f"the network for jobs is not known: {said}", hint
        ) from None
    except BotoCoreError as fault:
        raise credentials.absence(fault, target.profile, target.region) from None
    if not (subnets and groups):
        raise NoNetwork(
            f"{_place(identity)} has no default VPC with subnets, so there is nowhere for jobs to run",
            "name subnets and security_group_ids in batch.compute_resources, or run `aws ec2 create-default-vpc`",
        )
    return target.within(identity.account, subnets, groups)


def _refused(fault: ClientError, target: Target) -> CredentialsError:
    said = fault.response.get("Error", {})
    words = f"{said.get('Code', '')}: {said.get('Message', '')}".strip(": ") or str(fault)
    return credentials.refusal(fault, target.profile) or CredentialsError(
        f"AWS does not say whose credentials these are: {words}", refusals.renewal(target.profile)
    )


def _alias(target: Target) -> str:
    """The account's name; who may not see it does without."""
    with suppress(ClientError, BotoCoreError):
        aliases = target.client("iam", ANSWER_S).list_account_aliases()["AccountAliases"]
        return str(aliases[0]) if aliases else ""
    return ""


def _place(identity: Identity) -> str:
    return f"{identity.region} of account {identity.account}"


def _default_vpc(ec2: Any) -> str:
    found = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return str(found[0]["VpcId"]) if found else ""


def _subnets(ec2: Any, vpc: str) -> tuple[str, ...]:
    """In one order always, so that an unchanged network is no change of a parameter."""
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default-for-az", "Values": ["true"]}]
    return tuple(sorted(str(one["SubnetId"]) for one in ec2.describe_subnets(Filters=filters)["Subnets"]))


def _groups(ec2: Any, vpc: str) -> tuple[str, ...]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return tuple(str(one["GroupId"]) for one in ec2.describe_security_groups(Filters=filters)["SecurityGroups"])
