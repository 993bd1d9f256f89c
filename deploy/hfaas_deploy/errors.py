"""What can go wrong between a pipeline file and a running Stack.

DeployError              message + hint, shown without a traceback
├── FdlError             the pipeline file has errors; holds every Finding (fdl.py raises it)
├── TemplateTooLarge     more functions than one template takes
├── TemplateUnsound      a defect of ours: AWS would refuse what was rendered
├── WrongTarget          the endpoint is not the kind of place that was asked for
├── TargetUnreachable    nothing answers at the endpoint
├── CredentialsError     there are none, or AWS does not accept them
├── WrongAccount         they belong to an account that the promotion is not meant for
├── NoNetwork            jobs have no subnets to run in
├── FileSystemError      a file system cannot be mounted by who asks for it
├── RegistryError        an image does not get into its repository, or is not the one that was rehearsed
├── NotRehearsed         the emulator never ran exactly this
├── NotAgreed            what would be done is not what was agreed to
├── SmokeFailed          a Function that was promoted does not answer
├── PurgeError           a bucket cannot be emptied and deleted
├── MissingVariable      a ${NAME} of the pipeline file is not set
├── ArtifactsError       the bucket for large events and OneTrigger's state cannot be had
├── ExistingBucketError  the notifications of a bucket that is not ours cannot be had as they must be
│   └── BucketMissing    there is no such bucket
├── SecretError          the keys of a storage provider cannot be put into its secret
├── WatchError           OneTrigger cannot look into Onedata
├── NoPrices             nobody wrote down what AWS asks for in that region
└── StackError           CloudFormation refused, or could not finish
    ├── StackBusy        another operation on this Stack is under way
    ├── StackSlow        CloudFormation is asked too often at the moment
    ├── StackBroken      the Stack is in a state that must be cleared first
    ├── StackForeign     there is a Stack of that name that hfaas has not made
    └── StackFailed      the operation was rolled back; the message is its first cause

Building images and Spaces of a rehearsal have errors of their own; they derive from DeployError too.
"""

from __future__ import annotations

from collections.abc import Sequence

from hfaas_deploy.findings import Finding


class DeployError(Exception):
    """A failure a person can act on: what happened, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FdlError(DeployError):
    """The pipeline file cannot be used as it is; every Finding about it is in `findings`."""

    def __init__(self, findings: Sequence[Finding], hint: str = "") -> None:
        super().__init__("\n".join(map(str, findings)), hint)
        self.findings = tuple(findings)


class TemplateTooLarge(DeployError):
    """The rendered template is larger than CloudFormation takes inline."""


class TemplateUnsound(DeployError):
    """A defect of ours: AWS would refuse what was rendered."""


class WrongTarget(DeployError):
    """The endpoint is not the kind of place that was asked for."""


class TargetUnreachable(DeployError):
    """Nothing answers at the endpoint."""


class CredentialsError(DeployError):
    """There are no credentials for AWS, or AWS does not accept them."""


class WrongAccount(DeployError):
    """The credentials belong to an account that the promotion is not meant for."""


class NoNetwork(DeployError):
    """Jobs need subnets and a security group, and the account has none that they can have."""


class FileSystemError(DeployError):
    """A file system that the pipeline file names cannot be mounted by who asks for it."""


class RegistryError(DeployError):
    """An image does not get into its repository, or is not the one that was rehearsed."""


class NotRehearsed(DeployError):
    """The emulator never ran exactly this template and these images."""


class NotAgreed(DeployError):
    """What would be done is not what was agreed to, and nobody agreed to it anew."""


class SmokeFailed(DeployError):
    """The Stack is up, and a Function in it does not answer."""


class PurgeError(DeployError):
    """A bucket cannot be emptied and deleted."""


class MissingVariable(DeployError):
    """A variable that the pipeline file refers to is not set in the environment."""


class ArtifactsError(DeployError):
    """The bucket for large events and OneTrigger's state cannot be had."""


class ExistingBucketError(DeployError):
    """The notifications of a bucket that is not the pipeline's cannot be had as they must be."""


class BucketMissing(ExistingBucketError):
    """A bucket that the pipeline file calls existing is not there."""


class SecretError(DeployError):
    """The keys of a storage provider cannot be put into its secret."""


class WatchError(DeployError):
    """OneTrigger cannot look into Onedata."""


class StackError(DeployError):
    """CloudFormation refused, or could not finish."""


class StackBusy(StackError):
    """Another operation on this Stack is under way."""


class StackSlow(StackError):
    """CloudFormation is asked too often at the moment, perhaps by others in the account."""


class StackBroken(StackError):
    """The Stack is in a state that has to be cleared before it can be changed."""


class StackForeign(StackError):
    """There is a Stack of that name that somebody else has made, by something else."""


class StackFailed(StackError):
    """The operation failed; the message is its first cause."""


class NoPrices(DeployError):
    """The price table knows nothing of a region."""
