"""Older forms of the pipeline file, turned into today's; every value keeps its place in the old file.

Gen 1 is SCAR 1.0-3.x (`functions` is a map of names). The drafts of November 2019 have lists where today has
maps. They are known by their shape, and converting says so once.
"""

from __future__ import annotations

from collections.abc import Iterable

from hfaas_deploy.findings import Finding, Spot, warning
from hfaas_deploy.language.document import Entry, Items, Map, Scalar, Tree

SAME = (
    *(
        "init_script",
        "run_script",
        "extra_payload",
        "memory",
        "log_level",
        "description",
        "execution_mode",
        "region",
    ),
    *("asynchronous", "c_args"),
)
GEN1 = frozenset(
    {*SAME, "image", "image_file", "time", "timeout_threshold", "environment", "profile", "lambda_role"}
)
COMPUTE = ("desired_v_cpus", "min_v_cpus", "max_v_cpus", "subnets", "security_group_ids", "instance_types")
AUTH = {
    "s3": {"user": "access_key", "pass": "secret_key"},
    "minio": {"user": "access_key", "pass": "secret_key", "host": "endpoint"},
    "onedata": {"host": "oneprovider_host"},
    "webdav": {"host": "hostname", "user": "login", "pass": "password"},
}


def convert(tree: Map) -> tuple[Map, list[Finding]]:
    """Today's form of `tree`, and one warning when it had another."""
    functions = tree.get("functions")
    if isinstance(functions, Map) and _is_gen1(functions):
        converter = _Gen1()
        today = converter.document(tree, functions)
        return today, [_notice(functions.spot, "SCAR 1.0-3.x"), *converter.findings]
    drafted = _Draft()
    today = drafted.document(tree)
    return today, [_notice(drafted.first, "the drafts of 2019")] if drafted.first else []


def _notice(spot: Spot, which: str) -> Finding:
    return warning(spot, "old-form", f"this is the form of {which}; it is read as today's")


def _is_gen1(functions: Map) -> bool:
    values = [entry.value for name, entry in functions.entries.items() if name not in ("aws", "oscar")]
    return any(isinstance(value, Map) and GEN1 & set(value.entries) for value in values)


def _map(spot: Spot, values: Iterable[tuple[str, Entry | None]]) -> Map:
    return Map(spot, {name: entry for name, entry in values if entry is not None})


def _nest(entry: Entry | None, *names: str) -> Entry | None:
    for name in reversed(names):
        entry = entry and Entry(entry.spot, Map(entry.spot, {name: entry}))
    return entry


def _text(tree: Tree | None) -> str:
    return tree.text if isinstance(tree, Scalar) else ""


class _Gen1:
    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def document(self, tree: Map, functions: Map) -> Map:
        entries = tuple(self._function(name, entry) for name, entry in functions.entries.items())
        aws = Map(functions.spot, {"aws": Entry(functions.spot, Items(functions.spot, entries))})
        return tree.plus("functions", aws, tree.entries["functions"].spot)

    def _function(self, name: str, entry: Entry) -> Tree:
        old = entry.value
        if not isinstance(old, Map):
            return old
        e = old.entries.get
        known = {*GEN1, "s3", "batch", "api_gateway", "cloudwatch", "iam"}
        role = e("lambda_role")
        return _map(
            old.spot,
            [
                ("lambda", Entry(entry.spot, self._lambda(name, entry.spot, old))),
                ("batch", self._batch(e("batch"))),
                ("iam", _nest(role, "role") if role else e("iam")),
                ("api_gateway", e("api_gateway")),
                ("cloudwatch", e("cloudwatch")),
                *((other, value) for other, value in old.entries.items() if other not in known),
            ],
        )

    def _lambda(self, name: str, spot: Spot, old: Map) -> Map:
        e = old.entries.get
        inputs, outputs = self._stores(name, old)
        return _map(
            spot,
            [
                ("name", Entry(spot, Scalar(spot, name))),
                *((key, e(key)) for key in SAME),
                ("timeout", e("time")),
                ("boto_profile", e("profile")),
                ("container", self._container(old)),
                ("input", inputs),
                ("output", outputs),
            ],
        )

    def _container(self, old: Map) -> Entry | None:
        e = old.entries.get
        box = _map(
            old.spot,
            [
                ("image", e("image")),
                ("image_file", e("image_file")),
                ("timeout_threshold", e("timeout_threshold")),
                ("environment", _nest(self._variables(e("environment")), "Variables")),
            ],
        )
        return Entry(old.spot, box) if box.entries else None

    def _variables(self, entry: Entry | None) -> Entry | None:
        """`{K: V}`, or a list of `K=V`."""
        if entry is None or not isinstance(entry.value, Items):
            return entry
        pairs = ((item.spot, *_text(item).partition("=")) for item in entry.value.items)
        return Entry(
            entry.spot,
            Map(entry.value.spot, {name: Entry(spot, Scalar(spot, text)) for spot, name, _, text in pairs}),
        )

    def _stores(self, name: str, old: Map) -> tuple[Entry | None, Entry | None]:
        s3 = old.map("s3")
        source, folder = s3.get("input_bucket"), _text(s3.get("input_folder"))
        into, into_folder = s3.get("output_bucket"), _text(s3.get("output_folder"))
        inputs = outputs = None
        if isinstance(source, Scalar):
            inputs = _store(source, _joined(source.text, folder) or f"{source.text}/{name}/input")
        target = into if isinstance(into, Scalar) else source
        if isinstance(target, Scalar):
            path = _joined(target.text if into else target.text.partition("/")[0], into_folder)
            outputs = _store(
                target,
                path or f"{target.text.partition('/')[0]}/{name}/output",
                request=not path or bool(into_folder),
            )
            if not into and "/" in _joined(target.text, folder):
                self.findings.append(
                    warning(
                        target.spot,
                        "old-form",
                        f"results go to {_path_of(outputs)}; SCAR 3.0 wrote them into the input",
                    )
                )
        return inputs, outputs

    def _batch(self, entry: Entry | None) -> Entry | None:
        if entry is None or not isinstance(entry.value, Map):
            return entry
        e = entry.value.entries.get
        compute = _map(entry.spot, [("type", e("comp_type")), *((key, e(key)) for key in COMPUTE)])
        rest = entry.value.without("comp_type", *COMPUTE)
        if compute.entries:
            rest = rest.plus("compute_resources", compute, entry.spot)
        return Entry(entry.spot, rest)


def _joined(bucket: str, folder: str) -> str:
    """`bucket/folder`, or nothing where no folder is named."""
    path = f"{bucket}/{folder}" if folder else bucket
    return path if "/" in path else ""


def _store(source: Scalar, path: str, *, request: bool = False) -> Entry:
    spot = source.spot
    values = {"storage_provider": "s3", "path": path, **({"layout": "request"} if request else {})}
    one = Map(spot, {key: Entry(spot, Scalar(spot, text)) for key, text in values.items()})
    return Entry(spot, Items(spot, (one,)))


def _path_of(entry: Entry) -> str:
    assert isinstance(entry.value, Items)  # made by _store
    one = entry.value.items[0]
    assert isinstance(one, Map)
    return _text(one.get("path"))


class _Draft:
    """Remembers where the first old form was met."""

    def __init__(self) -> None:
        self.first: Spot | None = None

    def document(self, tree: Map) -> Map:
        tree = self._providers(tree)
        functions = tree.entries.get("functions")
        if functions is None:
            return tree
        if isinstance(functions.value, Items):
            self._met(functions.value.spot)
            listed = tuple(self._flat(item) for item in functions.value.items)
            return self._put(tree, functions, Map(functions.spot), Items(functions.value.spot, listed))
        aws = functions.value.get("aws") if isinstance(functions.value, Map) else None
        if not isinstance(aws, Items) or not isinstance(functions.value, Map):
            return tree
        return self._put(tree, functions, functions.value, aws)

    def _put(self, tree: Map, functions: Entry, around: Map, listed: Items) -> Map:
        aws = Items(listed.spot, tuple(self._function(item) for item in listed.items))
        return tree.plus("functions", around.plus("aws", aws, around.spot), functions.spot)

    def _met(self, spot: Spot) -> None:
        self.first = self.first or spot

    def _flat(self, item: Tree) -> Tree:
        """`{name, input, output}` without a `lambda` around."""
        if isinstance(item, Map) and "lambda" not in item.entries:
            return Map(item.spot, {"lambda": Entry(item.spot, item)})
        return item

    def _function(self, item: Tree) -> Tree:
        if not isinstance(item, Map) or not isinstance(item.get("lambda"), Map):
            return item
        own = item.map("lambda")
        for way in ("input", "output"):
            own = self._stores(own, way)
        image = own.entries.get("image")
        if image and "container" not in own.entries:
            self._met(image.spot)
            own = own.without("image").plus("container", Map(image.spot, {"image": image}), image.spot)
        return item.plus("lambda", own, item.entries["lambda"].spot)

    def _stores(self, own: Map, way: str) -> Map:
        entry = own.entries.get(way)
        if entry is None or not isinstance(entry.value, Items):
            return own
        listed = Items(entry.value.spot, tuple(self._store(item) for item in entry.value.items))
        return own.plus(way, listed, entry.spot)

    def _store(self, item: Tree) -> Tree:
        if not isinstance(item, Map):
            return item
        if "name" in item.entries and "storage_provider" not in item.entries:
            self._met(item.spot)
            name = item.entries["name"]
            item = item.without("name").plus("storage_provider", name.value, name.spot)
        files = item.get("files")
        if isinstance(files, Map):
            self._met(files.spot)
            item = item.without("files")
            for old, new in (("prefix", "prefix"), ("sufix", "suffix"), ("suffix", "suffix")):
                if entry := files.entries.get(old):
                    item = item.plus(new, entry.value, entry.spot)
        return item

    def _providers(self, tree: Map) -> Map:
        for name in ("storages", "storage_providers"):
            entry = tree.entries.get(name)
            if entry and isinstance(entry.value, Items):
                self._met(entry.value.spot)
                return tree.without(name).plus("storage_providers", _by_id(entry.value), entry.spot)
        return tree


def _by_id(listed: Items) -> Map:
    """`[{name, type, auth}]` -> `{type: {name: {...}}}`."""
    providers = Map(listed.spot)
    for item in listed.items:
        if not isinstance(item, Map):
            continue
        kind, name = _text(item.get("type")), _text(item.get("name"))
        known = AUTH.get(kind, {})
        values = {**item.without("name", "type", "auth").entries, **item.map("auth").entries}
        one = Map(item.spot, {known.get(key, key): entry for key, entry in values.items()})
        providers = providers.plus(kind, providers.map(kind).plus(name, one, item.spot), item.spot)
    return providers
