"""Every key of the pipeline file, once: what it takes, and what it does, if anything.

The reader, the JSON Schema and the reference page are all made from `KEYS`. A key's `place` is a path of
names; `[]` marks a list and `<id>` a name that the user chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Kind(StrEnum):
    """What a key's value looks like."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    TRUTH = "true or false"
    FILE = "path"
    TEXTS = "list of texts"
    TEXT_MAP = "map of texts"
    BLOCK = "map"
    BLOCKS = "list of maps"
    NAMED = "map of maps"
    ANY = "anything"


class Status(StrEnum):
    """Used, or without effect (a warning)."""

    USED = "used"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `because` says why it is ignored."""

    place: str
    name: str
    kind: Kind = Kind.TEXT
    effect: str = ""
    default: str | int | bool | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    pattern: str = ""
    longest: int | None = None
    names: str = ""  # pattern of the names in a map that the user fills
    any_case: bool = False
    numbers: tuple[int, ...] = ()
    status: Status = Status.USED
    because: str = ""
    extension: bool = False
    looks: str = ""  # what a right value looks like, where the pattern itself tells little

    @property
    def path(self) -> str:
        return f"{self.place}.{self.name}" if self.place else self.name

    @property
    def inside(self) -> str:
        """The place of the keys below this one."""
        return {Kind.BLOCKS: f"{self.path}[]", Kind.NAMED: f"{self.path}.<id>"}.get(self.kind, self.path)


FUNCTION = "functions.aws[]"
LAMBDA = f"{FUNCTION}.lambda"
CONTAINER = f"{LAMBDA}.container"
INPUT = f"{LAMBDA}.input[]"
OUTPUT = f"{LAMBDA}.output[]"
FILE_SYSTEM = f"{LAMBDA}.file_system[]"
GATEWAY = f"{FUNCTION}.api_gateway"
LOGS = f"{FUNCTION}.cloudwatch"
BATCH = f"{FUNCTION}.batch"
COMPUTE = f"{BATCH}.compute_resources"
MULTINODE = f"{BATCH}.multi_node_parallel"
OURS = f"{FUNCTION}.hfaas"
OSCAR = "functions.oscar[].<id>"
PROVIDERS = "storage_providers"
CLUSTER = "clusters.<id>"

COMPUTED = "it is computed, or only for zip functions"
OPTION = "it is an option of `hfaas run` and `hfaas invoke`"
ROLES = "roles are rendered with least privilege"
RETENTION = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
LEVELS = ("NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
CAUSES = ("time", "memory", "space", "exit", "gpu")
SHELL_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
SUBNET_ID = r"subnet-[0-9A-Za-z]+"
GROUP_ID = r"sg-[0-9A-Za-z]+"
ACCESS_POINT = r"arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:[0-9]{12}:access-point/fsap-[0-9a-f]{8,40}"
LAMBDA_NAME = r"[A-Za-z][A-Za-z0-9_]+"
STORAGE = r"[a-z0-9]+(\.[A-Za-z0-9_-]+)?"
FOLDER_PATH = r"[^*?$]+"
PROVIDER_ID = r"[A-Za-z0-9_-]{1,64}"
METHODS = ("ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
STAGE = r"[A-Za-z0-9_-]{1,128}|\$default"
SEGMENT = r"[A-Za-z0-9._~-]+|\{[A-Za-z0-9._-]+\}"
ROUTE = rf"/?(({SEGMENT})/)*({SEGMENT}|\{{[A-Za-z0-9._-]+\+\}})"

_T, _W, _N, _B, _F = Kind.TEXT, Kind.WHOLE, Kind.NUMBER, Kind.TRUTH, Kind.FILE
_TS, _TM, _BLOCK, _BLOCKS, _NAMED, _ANY = (
    Kind.TEXTS,
    Kind.TEXT_MAP,
    Kind.BLOCK,
    Kind.BLOCKS,
    Kind.NAMED,
    Kind.ANY,
)


def _ignored(place: str, because: str, *names: str) -> tuple[Key, ...]:
    return tuple(Key(place, name, _ANY, status=Status.IGNORED, because=because) for name in names)


def _plain(place: str, *names: str, required: tuple[str, ...] = ()) -> tuple[Key, ...]:
    return tuple(Key(place, name, _T, required=name in required) for name in names)


def _secret(place: str, *names: str) -> tuple[Key, ...]:
    return tuple(Key(place, name, _T, "a key: write ${NAME}; it travels through Secrets Manager") for name in names)


_TOP = (
    Key("", "functions", _BLOCK, "the Functions of the pipeline", required=True),
    Key("functions", "aws", _BLOCKS, "Functions that run in Lambda, one entry each"),
    Key("functions", "oscar", Kind.BLOCKS, "services of OSCAR clusters, `{cluster: service}`"),
    Key("", "storage_providers", _BLOCK, "where files lie, beside the S3 of the own account"),
    Key("", "clusters", _NAMED, "OSCAR clusters by id", names=r"[A-Za-z0-9_-]+"),
    Key("", "hfaas", _BLOCK, "what the pipeline as a whole is", extension=True),
    Key("", "scar", _ANY, status=Status.IGNORED, because="it configures scar itself"),
)

_FUNCTION = (
    Key(FUNCTION, "lambda", _BLOCK, "the Function", required=True),
    Key(FUNCTION, "api_gateway", _BLOCK, "an HTTP API in front of the Function"),
    Key(FUNCTION, "cloudwatch", _BLOCK, "the Function's log group"),
    Key(FUNCTION, "batch", _BLOCK, "how its Batch jobs run; only for execution_mode lambda-batch and batch"),
    Key(FUNCTION, "ecr", _BLOCK, "its image repository"),
    Key(FUNCTION, "iam", _BLOCK, status=Status.IGNORED, because=ROLES),
    Key(FUNCTION, "s3", _BLOCK, status=Status.IGNORED, because="buckets are taken from input and output"),
    Key(FUNCTION, "hfaas", _BLOCK, "extensions of scar's language", extension=True),
)

_LAMBDA = (
    Key(
        LAMBDA,
        "name",
        _T,
        "name of the Function and of its log group",
        required=True,
        pattern="[A-Za-z0-9_-]{1,64}",
    ),
    Key(LAMBDA, "container", _BLOCK, "the container image and its environment"),
    Key(LAMBDA, "init_script", _F, "the script that every event runs; it becomes part of the image"),
    Key(
        LAMBDA,
        "run_script",
        _F,
        "the script that `hfaas run` sends with the event",
        status=Status.IGNORED,
        because="scripts are not sent with events yet; use init_script",
    ),
    Key(LAMBDA, "extra_payload", _F, "a folder that is copied to /var/task"),
    Key(
        LAMBDA,
        "execution_mode",
        _T,
        "where the script runs: in Lambda, in Lambda and then in Batch where that is not enough, or in Batch",
        "lambda",
        choices=("lambda", "lambda-batch", "batch"),
    ),
    Key(LAMBDA, "memory", _W, "MB", 512, low=128, high=10_240),
    Key(LAMBDA, "timeout", _W, "seconds", 300, low=1, high=900),
    Key(LAMBDA, "input", _BLOCKS, "folders whose new files are events"),
    Key(LAMBDA, "output", _BLOCKS, "folders that results are uploaded to"),
    Key(LAMBDA, "file_stage_in", _B, "true skips the download of the input (upstream's naming)", default=False),
    Key(LAMBDA, "log_level", _T, "how much the supervisor says", "INFO", choices=LEVELS, any_case=True),
    Key(LAMBDA, "environment", _BLOCK, "environment of the Lambda function"),
    Key(f"{LAMBDA}.environment", "Variables", _TM, "taken as written", names=LAMBDA_NAME),
    Key(LAMBDA, "architectures", _TS, "the first one counts", "x86_64", choices=("x86_64", "arm64")),
    Key(
        LAMBDA,
        "region",
        _T,
        "AWS region of the Stack, equal in the whole file",
        "us-east-1",
        pattern=r"[a-z]{2}(-[a-z]+)+-\d",
    ),
    Key(
        LAMBDA,
        "boto_profile",
        _T,
        "credentials for AWS, equal in the whole file",
        "default",
    ),
    Key(LAMBDA, "description", _T, "shown by AWS", longest=256),
    Key(LAMBDA, "tags", _TM, "tags of the Function, beside `createdby: hfaas`"),
    Key(
        LAMBDA,
        "vpc",
        _BLOCK,
        "the network of the Lambda function on AWS; from there it reaches S3 by endpoints or NAT only",
    ),
    Key(f"{LAMBDA}.vpc", "SubnetIds", _TS, "ids", pattern=SUBNET_ID),
    Key(f"{LAMBDA}.vpc", "SecurityGroupIds", _TS, "ids", pattern=GROUP_ID),
    Key(
        LAMBDA,
        "file_system",
        _BLOCKS,
        "a file system of EFS for the script, one at most; in Lambda it needs vpc. A rehearsal has a folder instead",
    ),
    Key(
        FILE_SYSTEM,
        "Arn",
        _T,
        "its access point, in the region and account of the Stack",
        required=True,
        pattern=ACCESS_POINT,
        looks="arn:aws:elasticfilesystem:REGION:ACCOUNT:access-point/fsap-0123456789abcdef0",
    ),
    Key(
        FILE_SYSTEM,
        "LocalMountPath",
        _T,
        "where the script finds it",
        required=True,
        pattern="/mnt/[A-Za-z0-9_.-]+",
        longest=160,
        looks="/mnt/NAME, with letters, digits and . _ - in the name",
    ),
    Key(LAMBDA, "runtime", _T, status=Status.IGNORED, because="every Function runs from an image"),
    Key(
        LAMBDA,
        "delete_image",
        _B,
        "scar's documentation has it here",
        default=True,
        status=Status.IGNORED,
        because="its place is ecr",
    ),
    *_ignored(
        LAMBDA, COMPUTED, "handler", "arn", "config_path", "layers", "supervisor", "deployment", "zip_file_path"
    ),
    *_ignored(LAMBDA, OPTION, "preheat", "payload", "c_args", "asynchronous", "invocation_type", "log_type"),
    Key(CONTAINER, "image", _T, "the image that the Function's image is derived from"),
    Key(CONTAINER, "image_file", _F, "an archive of `docker save`, instead of image"),
    Key(CONTAINER, "create_image", _B, "false: the image is ready and is used as it is", default=True),
    Key(CONTAINER, "alpine", _B, status=Status.IGNORED, because="one supervisor fits all images"),
    Key(CONTAINER, "timeout_threshold", _W, "seconds kept for the uploads before time is out", 10, low=1),
    Key(CONTAINER, "environment", _BLOCK, "environment of the script"),
    Key(f"{CONTAINER}.environment", "Variables", _TM, "taken as written", names=SHELL_NAME),
)

_STORES = (
    Key(INPUT, "storage_provider", _T, "`s3`, or `type.id` of storage_providers", required=True, pattern=STORAGE),
    Key(INPUT, "path", _T, "bucket, or bucket/folder", required=True, pattern=FOLDER_PATH),
    Key(INPUT, "suffix", _TS, "only files whose name ends so are events", extension=True),
    Key(OUTPUT, "storage_provider", _T, "`s3`, or `type.id` of storage_providers", required=True, pattern=STORAGE),
    Key(OUTPUT, "path", _T, "bucket, or bucket/folder", required=True, pattern=FOLDER_PATH),
    Key(OUTPUT, "prefix", _TS, "only results whose name starts so; * ? [ make it a pattern"),
    Key(OUTPUT, "suffix", _TS, "only results whose name ends so; * ? [ make it a pattern"),
    Key(
        OUTPUT,
        "layout",
        _T,
        "flat; mirror keeps the input's subfolder; request adds a folder for each event",
        "flat",
        choices=("flat", "mirror", "request"),
        extension=True,
    ),
)

_AROUND = (
    Key(GATEWAY, "name", _T, "its presence makes the API", longest=128),
    Key(GATEWAY, "stage_name", _T, "what the API's path begins with", "scar", pattern=STAGE),
    Key(GATEWAY, "path_part", _T, "the path behind the stage", "{proxy+}", pattern=ROUTE),
    Key(GATEWAY, "http_method", _T, "which requests it takes", "ANY", choices=METHODS, any_case=True),
    Key(GATEWAY, "method", _BLOCK, "who may call it"),
    Key(
        f"{GATEWAY}.method",
        "authorizationType",
        _T,
        "AWS_IAM takes signed requests only, NONE everybody's",
        "AWS_IAM",
        choices=("NONE", "AWS_IAM"),
    ),
    *_ignored(f"{GATEWAY}.method", COMPUTED, "requestParameters"),
    *_ignored(GATEWAY, COMPUTED, "endpoint", "integration", "request_parameters", "service_id"),
    *_ignored(GATEWAY, COMPUTED, "source_arn_testing", "source_arn_invocation", "boto_profile", "region"),
    *_ignored(GATEWAY, OPTION, "data_binary", "json_data", "parameters"),
    Key(LOGS, "log_retention_policy_in_days", _W, "days that logs are kept", 30, numbers=RETENTION),
    *_ignored(LOGS, COMPUTED, "boto_profile", "region", "log_stream_name", "request_id"),
    Key(
        f"{FUNCTION}.ecr",
        "delete_image",
        _B,
        "false: the image repository outlives the pipeline on AWS",
        default=True,
    ),
    *_ignored(f"{FUNCTION}.ecr", COMPUTED, "boto_profile", "region"),
    *_ignored(f"{FUNCTION}.iam", ROLES, "role", "boto_profile"),
    *_ignored(f"{FUNCTION}.s3", COMPUTED, "boto_profile", "region", "event"),
)

_BATCH = (
    Key(BATCH, "vcpus", _N, "vCPUs of a job; without GPU and instances of its own 0.25 0.5 1 2 4 8 16 or 32", 1),
    Key(
        BATCH,
        "memory",
        _W,
        "MiB of a job; Fargate takes certain amounts only, and the next one is used",
        1024,
        low=4,
    ),
    Key(BATCH, "enable_gpu", _B, "each job, or each of its nodes, gets one GPU", default=False),
    Key(BATCH, "environment", _BLOCK, "environment of the job"),
    Key(f"{BATCH}.environment", "Variables", _TM, "taken as written", names=SHELL_NAME),
    Key(BATCH, "state", _T, "DISABLED: jobs wait until it is enabled", "ENABLED", choices=("ENABLED", "DISABLED")),
    Key(BATCH, "type", _T, "AWS starts and stops the machines", "MANAGED", choices=("MANAGED",)),
    Key(BATCH, "multi_node_parallel", _BLOCK, "one job is several containers that work together"),
    Key(MULTINODE, "enabled", _B, "true makes a job of several nodes", default=False),
    Key(MULTINODE, "number_nodes", _W, "how many", 10, low=1),
    Key(MULTINODE, "main_node_index", _W, "which of them decides how the job ends", 0, low=0),
    Key(BATCH, "compute_resources", _BLOCK, "the machines that jobs run on"),
    Key(
        COMPUTE,
        "type",
        _T,
        "EC2 where there are GPUs, nodes or instance_types, else FARGATE",
        choices=("EC2", "SPOT", "FARGATE", "FARGATE_SPOT"),
    ),
    Key(COMPUTE, "max_v_cpus", _W, "vCPUs of all jobs together; at least 2, and enough for one job", low=0),
    Key(COMPUTE, "min_v_cpus", _W, "vCPUs that are kept ready, and paid for", 0, low=0),
    Key(COMPUTE, "instance_types", _TS, "types or families; else g4dn and g5 for GPUs, or what AWS thinks best"),
    Key(COMPUTE, "subnets", _TS, "ids; else those of the default VPC. A rehearsal has no VPC", pattern=SUBNET_ID),
    Key(COMPUTE, "security_group_ids", _TS, "ids; else the default VPC's default group", pattern=GROUP_ID),
    *_ignored(COMPUTE, COMPUTED, "desired_v_cpus", "launch_template_name", "instance_role"),
    *_ignored(BATCH, COMPUTED, "service_role", "boto_profile", "region", "supervisor_image"),
)

_OURS = (
    Key(
        OURS,
        "build",
        _F,
        "a folder with a Dockerfile; the image is built from it and container.image is not needed",
    ),
    Key(OURS, "build_args", _TM, "build arguments of that Dockerfile", names=SHELL_NAME),
    Key(
        OURS,
        "url",
        _T,
        "a URL of the Function's own: for signed requests only, or for everybody",
        "none",
        choices=("none", "iam", "public"),
    ),
    Key(
        OURS,
        "on_failure",
        _T,
        "what happens to the results of a failed script",
        "discard",
        choices=("discard", "keep", "upload"),
    ),
    Key(
        OURS,
        "delegate",
        _TS,
        "why execution_mode lambda-batch goes on in Batch; all of them where nothing is said",
        choices=CAUSES,
    ),
    Key(
        OURS,
        "invoke_script",
        _B,
        "may a direct Invoke bring its own script; by default only where there is no init_script",
    ),
    Key(
        OURS,
        "plain",
        _TS,
        "variables whose names sound secret and that are not; they stand in the template, others do not",
    ),
    Key(OURS, "tmp", _W, "MB of /tmp", 2048, low=512, high=10_240),
    Key(OURS, "retries", _W, "further attempts of a failed asynchronous Invocation", 2, low=0, high=2),
    Key(OURS, "max_age", _W, "seconds that an asynchronous Invocation may wait", 3600, low=60, high=21_600),
    Key(OURS, "concurrency", _W, "reserved concurrency", low=0),
    Key(OURS, "job_timeout", _W, "seconds that one attempt of a Batch job may take", 86_400, low=60),
    Key("hfaas", "stack", _T, "name of the Stack; else the folder's name", pattern="[A-Za-z][A-Za-z0-9-]{0,127}"),
    Key(
        "hfaas",
        "account",
        _T,
        "the only AWS account that this pipeline may be promoted to",
        pattern="[0-9]{12}",
    ),
    Key("hfaas", "buckets", _NAMED, "what is special about a bucket"),
    Key("hfaas.buckets.<id>", "existing", _B, "the bucket is neither created nor deleted", default=False),
    Key(
        "hfaas",
        "poll",
        _W,
        "minutes between two looks of OneTrigger into Onedata; the emulator looks at once",
        1,
        low=1,
        high=1440,
    ),
    Key(
        "hfaas",
        "reserve",
        _B,
        "false: OneTrigger reserves no concurrency, which accounts with few concurrent executions refuse",
        default=True,
    ),
)

_EXPOSE, _MOUNT, _VOLUME = f"{OSCAR}.expose", f"{OSCAR}.mount", f"{OSCAR}.volume"
_FEDERATION, _KSERVE = f"{OSCAR}.federation", f"{OSCAR}.kserve"
_REPLICAS = (f"{_FEDERATION}.members[]", f"{OSCAR}.replicas[]")

_OSCAR = (
    Key(OSCAR, "name", _T, "at most 39 lower-case letters, digits and hyphens", required=True, longest=39),
    Key(OSCAR, "image", _T, "an image that the cluster can pull", required=True),
    Key(OSCAR, "script", _F, "its content is what the cluster gets", required=True),
    Key(OSCAR, "memory", _T, "a quantity of Kubernetes", "256Mi"),
    Key(OSCAR, "cpu", _T, "a quantity of Kubernetes", "0.2"),
    Key(OSCAR, "log_level", _T, "how much the supervisor says", choices=LEVELS, any_case=True),
    Key(OSCAR, "environment", _BLOCK, "environment of the script"),
    Key(f"{OSCAR}.environment", "Variables", _TM, "taken as written", names=SHELL_NAME),
    Key(f"{OSCAR}.environment", "variables", _TM, "taken as written", names=SHELL_NAME),
    Key(f"{OSCAR}.environment", "secrets", _TM, "write ${NAME}; kept apart by the cluster", names=SHELL_NAME),
    Key(OSCAR, "input", _BLOCKS, "folders whose new files are events; minio is the cluster's own"),
    Key(OSCAR, "output", _BLOCKS, "folders that results are uploaded to"),
    *(
        Key(f"{OSCAR}.{way}[]", name, _T, effect, required=True, pattern=pattern)
        for way in ("input", "output")
        for name, effect, pattern in (
            ("storage_provider", "`minio`, or `type.id` of storage_providers", STORAGE),
            ("path", "bucket/folder; without a folder it is one of the bucket named like the service", FOLDER_PATH),
        )
    ),
    *(Key(f"{OSCAR}.{way}[]", name, _TS) for way in ("input", "output") for name in ("prefix", "suffix")),
    Key(OSCAR, "file_stage_in", _B, "true skips the download of the input (upstream's naming)", default=False),
    Key(OSCAR, "enable_gpu", _B, "each container gets one GPU", default=False),
    Key(
        OSCAR,
        "alpine",
        _B,
        "the image is based on Alpine, and needs that build of OSCAR's supervisor",
        default=False,
    ),
    Key(OSCAR, "endpoint", _T, "URL of the cluster; else that of clusters"),
    Key(OSCAR, "auth_user", _T, "else that of clusters, else OSCAR_USER"),
    Key(OSCAR, "auth_password", _T, "write ${NAME}; else that of clusters, else OSCAR_PASSWORD"),
    Key(OSCAR, "ssl_verify", _B, "false: any certificate is taken", default=True),
    *_plain(OSCAR, "vo", "interlink_node_name", "delegation"),
    Key(OSCAR, "visibility", _T, "who may use it", choices=("private", "public", "restricted")),
    Key(OSCAR, "allowed_users", _TS, "ids of users, for visibility restricted"),
    Key(
        OSCAR,
        "isolation_level",
        _T,
        "whether users have buckets of their own",
        choices=("SERVICE", "USER"),
        any_case=True,
    ),
    Key(OSCAR, "image_pull_secrets", _TS, "secrets of Kubernetes for private registries"),
    Key(OSCAR, "image_prefetch", _B),
    Key(OSCAR, "enable_sgx", _B),
    Key(OSCAR, "total_memory", _T, "of all its jobs together; a quantity of Kubernetes"),
    Key(OSCAR, "total_cpu", _T, "of all its jobs together; a quantity of Kubernetes"),
    Key(OSCAR, "ephemeral_storage_request", _T, "a quantity of Kubernetes"),
    Key(OSCAR, "annotations", _TM, "annotations of Kubernetes"),
    Key(OSCAR, "labels", _TM, "labels of Kubernetes"),
    Key(OSCAR, "synchronous", _BLOCK, "containers for `hfaas invoke` that are kept ready"),
    *(Key(f"{OSCAR}.synchronous", name, _W, low=0) for name in ("min_scale", "max_scale")),
    Key(OSCAR, "expose", _BLOCK, "a server in the container, reached from outside"),
    *(Key(_EXPOSE, name, _W, low=0) for name in ("min_scale", "max_scale", "cpu_threshold", "port")),
    *(Key(_EXPOSE, name, _TS, pattern="[0-9]{1,5}") for name in ("api_port", "nodePort")),
    *(Key(_EXPOSE, name, _B) for name in ("rewrite_target", "default_command", "set_auth")),
    *_plain(_EXPOSE, "auth_type", "health_path", "probe_mode"),
    Key(OSCAR, "mount", _BLOCK, "a bucket as a folder of the container"),
    *_plain(_MOUNT, "storage_provider", "path", "options", required=("storage_provider", "path")),
    Key(OSCAR, "volume", _BLOCK, "a volume that outlives the container"),
    *_plain(_VOLUME, "name", "size", "mount_path", "lifecycle_policy"),
    Key(OSCAR, "federation", _BLOCK, "the same service on several clusters"),
    *_plain(_FEDERATION, "group_id", "topology", "delegation"),
    Key(_FEDERATION, "rescheduler_threshold", _W, low=0),
    Key(_FEDERATION, "members", _BLOCKS),
    Key(OSCAR, "replicas", _BLOCKS, "services that take over jobs, in older versions"),
    *(key for place in _REPLICAS for key in _plain(place, "type", "cluster_id", "service_name", "url")),
    *(Key(place, "ssl_verify", _B) for place in _REPLICAS),
    *(Key(place, "priority", _W, low=0) for place in _REPLICAS),
    *(Key(place, "headers", _TM) for place in _REPLICAS),
    Key(OSCAR, "kserve", _BLOCK, "a model that KServe serves"),
    *_plain(_KSERVE, "type", "storage_uri", "api_version", "cpu", "memory"),
    *(Key(_KSERVE, name, _W, low=0) for name in ("min_scale", "max_scale")),
    *(Key(_KSERVE, name, _B) for name in ("enable_gpu", "set_auth")),
    Key(_KSERVE, "args", _TS),
    Key(_KSERVE, "env", _TM),
    Key(_KSERVE, "inference", _BLOCK),
    *_plain(f"{_KSERVE}.inference", "model_format", "runtime"),
    Key(_KSERVE, "llm_inference", _BLOCK),
    *_plain(f"{_KSERVE}.llm_inference", "runtime_image"),
)

OSCAR_ONLY = (
    *("vo", "interlink_node_name", "delegation", "visibility", "allowed_users", "isolation_level"),
    *("image_pull_secrets", "image_prefetch", "enable_sgx", "total_memory", "total_cpu"),
    *("ephemeral_storage_request", "annotations", "labels", "synchronous", "expose", "mount", "volume"),
    *("federation", "replicas", "kserve"),
)
"""What a service is told of and nothing else knows."""

_PROVIDERS = (
    *(
        Key(PROVIDERS, kind, _NAMED, effect, names=PROVIDER_ID)
        for kind, effect in (
            ("s3", "S3 of another account"),
            ("minio", "MinIO servers"),
            ("onedata", "Spaces of Oneproviders"),
            ("webdav", "WebDAV and dCache"),
            ("rucio", "Rucio, for OSCAR only"),
        )
    ),
    *_secret(f"{PROVIDERS}.s3.<id>", "access_key", "secret_key"),
    Key(f"{PROVIDERS}.s3.<id>", "region", _T, "of the bucket; else the Stack's"),
    Key(f"{PROVIDERS}.minio.<id>", "endpoint", _T, "http or https URL; else http://minio-service.minio:9000"),
    *_secret(f"{PROVIDERS}.minio.<id>", "access_key", "secret_key"),
    Key(f"{PROVIDERS}.minio.<id>", "region", _T, "else us-east-1"),
    Key(f"{PROVIDERS}.minio.<id>", "verify", _B, "false: any certificate is taken", default=True),
    Key(f"{PROVIDERS}.onedata.<id>", "oneprovider_host", _T, "host, without https://", required=True),
    *_secret(f"{PROVIDERS}.onedata.<id>", "token"),
    Key(f"{PROVIDERS}.onedata.<id>", "space", _T, "name of the Space that paths begin in", required=True),
    Key(f"{PROVIDERS}.webdav.<id>", "hostname", _T, "host, or host/folder; always https", required=True),
    *_secret(f"{PROVIDERS}.webdav.<id>", "login", "password"),
    *_plain(
        f"{PROVIDERS}.rucio.<id>",
        "host",
        "auth_host",
        "account",
        "rse",
        required=("host", "auth_host", "account", "rse"),
    ),
    *_plain(f"{PROVIDERS}.rucio.<id>", "access_token", "refresh_token", "client_id", "token_endpoint", "scopes"),
    *_plain(f"{PROVIDERS}.rucio.<id>", "oidc_audience"),
    Key(CLUSTER, "endpoint", _T, "URL of the cluster"),
    Key(CLUSTER, "auth_user", _T, "else OSCAR_USER"),
    Key(CLUSTER, "auth_password", _T, "write ${NAME}; else OSCAR_PASSWORD"),
    Key(CLUSTER, "ssl_verify", _B, "false: any certificate is taken", default=True),
)

KEYS: tuple[Key, ...] = (
    *_TOP,
    *_FUNCTION,
    *_LAMBDA,
    *_STORES,
    *_AROUND,
    *_BATCH,
    *_OURS,
    *_OSCAR,
    *_PROVIDERS,
)

SECRETS = frozenset(
    {"access_key", "secret_key", "token", "password", "access_token", "refresh_token", "auth_password"}
)

MISTAKES = {
    "enable": "enabled",
    "sufix": "suffix",
    "time": "timeout",
    'timeout_threshold"': "timeout_threshold",
}
"""Slips that upstream's own documentation and examples teach."""


@cache
def at(place: str) -> dict[str, Key]:
    """The keys allowed at `place`, by name."""
    return {key.name: key for key in KEYS if key.place == place}


def belongs(name: str, place: str) -> str:
    """Where a key of this name would be right, seen from `place`; empty when nowhere or not clear."""
    near = [
        key for key in KEYS if key.name == name and key.place.startswith(FUNCTION) == place.startswith(FUNCTION)
    ]
    near.sort(key=lambda key: (key.status is not Status.USED, -_shared(key.place, place)))
    return near[0].place.removeprefix(f"{FUNCTION}.") if near else ""


def _shared(one: str, other: str) -> int:
    pairs = zip(one.split("."), other.split("."), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(one.count("."), other.count(".")) + 1)
