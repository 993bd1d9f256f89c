"""Promoting from the terminal UI: what AWS would get, and giving it to AWS.

    file, profile, region -> plan (nothing is touched) -> a person agrees -> promote (messages) -> Promoted

What goes wrong is a Refused, which says what it is about, so that it can be shown where that stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.where import Where

if TYPE_CHECKING:
    from hfaas_deploy.aws.target import Target
    from hfaas_deploy.building.images import DockerImages
    from hfaas_deploy.messages import Message
    from hfaas_deploy.pipeline import Pipeline
    from hfaas_deploy.promote.promotion import Promoted, Promotion
    from hfaas_tui.ui.backend import Backend
    from hfaas_tui.ui.settings import Settings

Tell = Callable[["Message"], None]
Agree = Callable[["Promotion"], bool]


class Refused(CliError):
    """A plan or a promotion that came to nothing; `about` is the check that it belongs to."""

    def __init__(self, message: str, hint: str = "", about: str = "promotion") -> None:
        super().__init__(message, hint)
        self.about = about


class Stopped(Exception):
    """The user wanted no further step."""


class Promoter(Protocol):
    """Plans and promotes with the user's credentials."""

    def profiles(self) -> Sequence[str]:
        """Return the names of the profiles in the user's AWS configuration."""

    def plan(self, file: Path, where: Where, tell: Tell) -> Promotion:
        """Return what a promotion would do; touches nothing; Refused when that cannot be known."""

    def promote(
        self, promotion: Promotion, where: Where, keys: Mapping[str, str], tell: Tell, agree: Agree
    ) -> Promoted:
        """Do it, with `keys` as variables that the environment lacks; Refused with the first cause of a failure.

        `agree` is asked when AWS would do something else by now. What `tell` raises ends the promotion.
        """


class Holder(Protocol):
    """Whoever has a backend, now this one and later another."""

    backend: Backend
    settings: Settings


def of(holder: Holder) -> Promoter:
    """Return who promotes; a backend may bring its own."""
    own: Promoter | None = getattr(holder.backend, "promoter", None)
    return own or AwsPromoter(holder.settings.build_args)


@dataclass
class AwsPromoter:
    """Promotes to AWS, or to what stands in for it in a trial."""

    build_args: Mapping[str, str] = field(default_factory=dict)

    def profiles(self) -> Sequence[str]:
        import botocore.session

        with told():
            return list(botocore.session.Session().available_profiles)

    def plan(self, file: Path, where: Where, tell: Tell) -> Promotion:
        from hfaas_deploy import fdl
        from hfaas_deploy.promote import planning, rehearsals
        from hfaas_tui import local

        with told(), _images() as images:
            pipeline = local.with_build_args(fdl.read(file), self.build_args)
            return planning.plan(pipeline, _target(where, pipeline), images, rehearsals.Rehearsals(), tell)

    def promote(
        self, promotion: Promotion, where: Where, keys: Mapping[str, str], tell: Tell, agree: Agree
    ) -> Promoted:
        from hfaas_deploy.promote import procedure

        target = _target(where, promotion.pipeline)
        with told(), _images() as images:
            return procedure.promote(promotion, target, images, tell, agree, environ={**os.environ, **keys})


def _target(where: Where, pipeline: Pipeline) -> Target:
    try:
        return where.target_of(pipeline)
    except UsageError as error:  # its hint names an option
        raise Refused(error.message, "w names one, as eu-west-1; so does AWS_REGION", "region") from error


@contextmanager
def _images() -> Iterator[DockerImages]:
    from hfaas_deploy.building.images import DockerImages

    images = DockerImages()
    with images if isinstance(images, AbstractContextManager) else nullcontext(images) as made:
        yield made


ABOUT = {
    "CredentialsError": "credentials",
    "WrongAccount": "account",
    "NotRehearsed": "rehearsed",
    "NotAgreed": "stack",
    "SmokeFailed": "verify",
    "NoNetwork": "network",
    "WrongTarget": "account",
    "TargetUnreachable": "network",
    "ExistingBucketError": "bucket",
    "BucketMissing": "bucket",
    "RegistryError": "images",
    "ImageError": "images",
    "NoEngine": "images",
    "SecretError": "secrets",
    "MissingVariable": "variables",
    "FdlError": "file",
    "StackBusy": "stack",
    "StackBroken": "stack",
    "StackFailed": "stack",
    "StackError": "stack",
}
"""Which check an error of the deploy package belongs to, by its class or one that it derives from."""


@contextmanager
def told() -> Iterator[None]:
    """Turn failures of the deploy package into Refused, the first cause as the message."""
    from botocore.exceptions import BotoCoreError, ClientError

    from hfaas_deploy.aws.target import forget_credentials
    from hfaas_deploy.errors import CredentialsError, DeployError, FdlError

    try:
        yield
    except FdlError as error:
        first = next((one for one in error.findings if one.is_error), None)
        where = f"line {first.spot.line}: " if first else ""
        message = where + (first.message if first else error.message)
        raise Refused(message, "6 shows and mends it", "file") from error
    except DeployError as error:
        if isinstance(error, CredentialsError):  # there may be newer ones when it is tried again
            forget_credentials()
        raise Refused(error.message, error.hint, _about(error)) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refused(f"{error.filename or 'a file'}: {reason}", about="file") from error
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"AWS says: {error}", about="account") from error


def _about(error: Exception) -> str:
    return next((ABOUT[each.__name__] for each in type(error).__mro__ if each.__name__ in ABOUT), "promotion")
