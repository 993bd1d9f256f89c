"""What can go wrong between a pipeline file and an OSCAR cluster.

OscarError           message + hint, shown without a traceback
├── NoCluster        it is not clear which cluster is meant, or how to reach it
├── Unreachable      nothing answers, or it is not the cluster that answers
├── NotAllowed       the cluster does not know the user, or not with this password
├── NoService        the cluster has no service of that name, or no such job
├── NameTaken        a service of that name is there and is somebody else's
├── Refused          the cluster said no; its words are in the message
└── NotFinished      some services were brought there, others were not
"""

from __future__ import annotations

from hfaas_deploy.errors import DeployError


class OscarError(DeployError):
    """A failure with an OSCAR cluster that a person can act on."""


class NoCluster(OscarError):
    """It is not clear which cluster is meant, or how to reach it."""


class Unreachable(OscarError):
    """Nothing answers at the endpoint, or what answers is no OSCAR cluster."""


class NotAllowed(OscarError):
    """The cluster does not let this user in, or not do this."""


class NoService(OscarError):
    """The cluster has no service of that name, or no such job of it."""


class NameTaken(OscarError):
    """A service of that name is on the cluster and does not belong to this pipeline."""


class Refused(OscarError):
    """The cluster refused what it was asked for."""


class NotFinished(OscarError):
    """Only some services were brought to the cluster; the message names them all."""
