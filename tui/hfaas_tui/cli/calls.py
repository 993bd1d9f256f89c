"""`hfaas invoke` and `hfaas url`: functions called directly, or over HTTP."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfaas_tui.cli import options
from hfaas_tui.errors import CliError, UsageError
from hfaas_tui.output import console, errors, print_error, print_json, print_text, table
from hfaas_tui.where import ANSWER_S, Where

if TYPE_CHECKING:
    from hfaas_tui.endpoints import Answer, Call

ACCEPTED = 202
NONE_GIVEN = "{}"


@click.command()
@click.argument("function", required=False)
@options.where
@options.as_json
def url(function: str | None, where: Where, *, as_json: bool) -> int:
    """Show where functions are called over HTTP: their own URLs and their APIs.

    AWS_IAM means that requests must be signed, as `hfaas invoke --http` and `curl --aws-sigv4` do.
    """
    from hfaas_tui.endpoints import Endpoints

    found = [each.to_json() for each in Endpoints.at(where).all(function or "")]
    if as_json:
        print_json(found)
    elif found:
        console().print(table([*found[0]], (tuple(each.values()) for each in found)))
    else:
        print_text(f"{function} has no URL" if function else "no function has a URL")
    return 0 if found or not function else 1


@click.command()
@click.argument("function")
@click.option("-e", "--event", default=NONE_GIVEN, help="JSON, @FILE, or - for standard input.", show_default=True)
@click.option("--async", "asynchronous", is_flag=True, help="Return when it is queued.")
@click.option("--log", is_flag=True, help="Print the end of the log on standard error.")
@click.option("--http", is_flag=True, help="Call its URL, or its API, signed where that is asked for.")
@click.option("--method", default="", help="With --http: [default: POST with --data, else GET]")
@click.option("--path", default="", help="With --http: what stands behind the URL.")
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="With --http: may be given again.")
@click.option("--header", multiple=True, metavar="NAME: VALUE", help="With --http: may be given again.")
@click.option("--data", metavar="FILE", help="With --http: the body, or - for standard input.")
@options.where
@options.as_json
def invoke(
    function: str,
    event: str,
    where: Where,
    *,
    asynchronous: bool,
    log: bool,
    http: bool,
    method: str,
    path: str,
    query: tuple[str, ...],
    header: tuple[str, ...],
    data: str | None,
    as_json: bool,
) -> int:
    """Invoke a function and print its answer; exit code 1 when it failed, or over HTTP with a status from 400 on."""
    if where.kind == "oscar":
        from hfaas_tui import oscar

        if http or log or method or path or query or header or data:
            raise UsageError("only --event and --async are for services of a cluster", "leave the others out")
        return oscar.invoke(function, _payload(event), where, asynchronous=asynchronous, as_json=as_json)
    if not http:
        if method or path or query or header or data:
            raise UsageError("--method, --path, --query, --header and --data need --http", "add --http")
        return _invoke(where, function, event, asynchronous=asynchronous, log=log, as_json=as_json)
    if event != NONE_GIVEN or log or asynchronous:
        raise UsageError(
            "--event, --log and --async are not for --http",
            "give the body with --data; who must not wait invokes without --http",
        )
    from hfaas_tui.endpoints import Call

    given = tuple(options.pairs((each,), "--query").popitem() for each in query)
    return _call(where, function, Call(method.upper(), path, given, _headers(header), _body(data)), as_json=as_json)


def _call(where: Where, function: str, call: Call, *, as_json: bool) -> int:
    """Call a function's endpoint and print the body as it came."""
    from hfaas_tui.endpoints import Endpoints, Signer, choose, send

    chosen = choose(Endpoints.at(where).all(function), function)
    answer = send(chosen, call, Signer.of(where))
    if as_json:
        print_json(_answered(answer))
    else:
        sys.stdout.buffer.write(answer.body)
        sys.stdout.buffer.flush()
    if answer.status < 400:
        return 0
    if not as_json:
        print_error(
            f"{chosen.url} answered {answer.words}", f"`hfaas logs {function}{where.again}` shows what it said"
        )
    return 1


def _answered(answer: Answer) -> dict[str, Any]:
    about = {"status": answer.status, "headers": dict(answer.headers)}
    try:
        return {**about, "body": answer.body.decode(), "base64": False}
    except UnicodeDecodeError:
        return {**about, "body": base64.b64encode(answer.body).decode(), "base64": True}


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for each in given:
        name, divider, value = each.partition(":")
        if not divider or not name.strip() or not each.isprintable():
            raise UsageError(f"--header {each!r} is not NAME: VALUE")
        found[name.strip()] = value.strip()
    return found


def _body(data: str | None) -> bytes:
    if data is None:
        return b""
    return sys.stdin.buffer.read() if data == "-" else Path(data).read_bytes()


def _invoke(where: Where, function: str, event: str, *, asynchronous: bool, log: bool, as_json: bool) -> int:
    from botocore.exceptions import ClientError

    api = where.client("lambda", ANSWER_S)
    kind = "Event" if asynchronous else "RequestResponse"
    tail = "Tail" if log and not asynchronous else "None"
    try:
        answer = api.invoke(FunctionName=function, Payload=_event(event), InvocationType=kind, LogType=tail)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException" and not where.is_local:
            raise
        raise CliError(
            error.response["Error"]["Message"], f"`hfaas ls{where.again}` shows the functions"
        ) from error
    if answer.get("LogResult"):
        errors().print(base64.b64decode(answer["LogResult"]).decode(errors="replace"), markup=False)
    payload = answer["Payload"].read().decode()
    failed = answer.get("FunctionError", "")
    job = delegated_to(_parsed(payload))
    if as_json:
        about = {"status": answer["StatusCode"], "error": failed, "payload": _parsed(payload)}
        print_json({**about, "job": job} if job else about)
    elif job:
        print_text(f"delegated to Batch: job {job}")
        print_text(
            f"`hfaas job {job}{where.again}` shows how far it is, `hfaas logs --job {job} -f{where.again}` follows it"
        )
    elif payload:
        print_text(payload)
    return 1 if failed else 0


def delegated_to(answer: Any) -> str:
    """Return the job that our supervisor handed the event over to; empty when the answer is an ordinary one."""
    if not isinstance(answer, dict) or answer.get("statusCode") != ACCEPTED:
        return ""
    headers = answer.get("headers")
    return str(headers.get("hfaas-job-id", "")) if isinstance(headers, dict) else ""


def _payload(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def _event(text: str) -> bytes:
    raw = _payload(text)
    try:
        json.loads(raw)
    except ValueError as error:
        raise UsageError(f"the event is no JSON: {error}", "give JSON, @FILE, or - for standard input") from error
    return raw


def _parsed(payload: str) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload
