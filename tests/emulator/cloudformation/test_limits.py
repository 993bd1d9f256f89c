"""What AWS refuses for its size, its number or its name is refused here."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.cloudformation import templates as t

QUEUE = t.body({"Q": t.resource("AWS::SQS::Queue")})
TOKEN = "[a-zA-Z0-9][-a-zA-Z0-9]*"


def refusal(call: Any, **fields: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**fields)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    return str(refused.value.response["Error"]["Message"])


def many(count: int, one: dict[str, Any]) -> dict[str, Any]:
    return {f"N{number}": one for number in range(count)}


TOO_MANY = {
    "resources": t.body(many(501, {"Type": "AWS::SQS::Queue"})),
    "parameters": t.body({"Q": t.resource("AWS::SQS::Queue")}, Parameters=many(201, {"Type": "String"})),
    "outputs": t.body({"Q": t.resource("AWS::SQS::Queue")}, Outputs=many(201, {"Value": "x"})),
}
MOST = {"resources": 500, "parameters": 200, "outputs": 200}


@pytest.mark.parametrize("what", MOST)
def test_a_template_has_so_many_members_at_most(cfn: Any, what: str) -> None:
    said = refusal(cfn.client.validate_template, TemplateBody=TOO_MANY[what])
    words = f"Number of {what}, {MOST[what] + 1}, is greater than maximum allowed, {MOST[what]}"
    assert said == f"Template format error: {words}"


def test_the_most_a_template_may_have_is_accepted(cfn: Any) -> None:
    sections = {"Parameters": many(200, {"Type": "String"}), "Outputs": many(200, {"Value": "x"})}
    full = t.body({f"R{number}": {"Type": "AWS::SQS::Queue"} for number in range(500)}, **sections)
    assert len(cfn.client.validate_template(TemplateBody=full)["Parameters"]) == 200


def test_a_description_has_1024_bytes_at_most(cfn: Any) -> None:
    long = t.body({"Q": t.resource("AWS::SQS::Queue")}, Description="x" * 1025)
    said = refusal(cfn.client.validate_template, TemplateBody=long)
    assert said == "Template format error: 'Description' length is greater than 1024."


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"StackName": "a" * 129}, "Member must have length less than or equal to 128"),
        ({"ClientRequestToken": "a b"}, f"Member must satisfy regular expression pattern: {TOKEN}"),
        ({"ClientRequestToken": "a" * 129}, "Member must have length less than or equal to 128"),
        ({"Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}, "length less than or equal to 50"),
        ({"Tags": [{"Key": "aws:mine", "Value": "v"}]}, "aws: prefixed tag key names are not allowed"),
        ({"Tags": [{"Key": "a" * 129, "Value": "v"}]}, "length less than or equal to 128"),
        ({"Tags": [{"Key": "a", "Value": "b" * 257}]}, "length less than or equal to 256"),
        ({"Tags": [{"Key": "a", "Value": "v"}, {"Key": "a", "Value": "v"}]}, "Duplicate tag keys found"),
        ({"DisableRollback": True, "OnFailure": "DELETE"}, "DisableRollback and OnFailure"),
        ({"TemplateURL": "https://s3.amazonaws.com/a/b"}, "either Template URL or Template Body"),
    ],
)
def test_a_request_is_within_its_limits(cfn: Any, fields: dict[str, Any], words: str) -> None:
    given = {"StackName": "mask", "TemplateBody": QUEUE, **fields}
    assert words in refusal(cfn.client.create_stack, **given)
    assert cfn.client.list_stacks()["StackSummaries"] == []


def test_a_parameters_value_has_4096_bytes_at_most(cfn: Any) -> None:
    body = t.body({"Q": t.resource("AWS::SQS::Queue")}, Parameters={"P": {"Type": "String"}})
    given = [{"ParameterKey": "P", "ParameterValue": "x" * 4097}]
    said = refusal(cfn.client.create_stack, StackName="mask", TemplateBody=body, Parameters=given)
    assert said.endswith("Member must have length less than or equal to 4096")


@pytest.mark.parametrize("name", ["1plan", "a_plan", "a" * 129])
def test_a_change_sets_name_is_checked(cfn: Any, name: str) -> None:
    fields = {"StackName": "mask", "ChangeSetName": name, "ChangeSetType": "CREATE", "TemplateBody": QUEUE}
    assert "at 'changeSetName' failed to satisfy constraint" in refusal(cfn.client.create_change_set, **fields)
    assert cfn.client.list_stacks()["StackSummaries"] == []


def test_a_change_set_creates_or_updates(cfn: Any) -> None:
    fields = {"StackName": "mask", "ChangeSetName": "plan", "ChangeSetType": "IMPORT", "TemplateBody": QUEUE}
    said = refusal(cfn.client.create_change_set, **fields)
    assert said == "ChangeSetType IMPORT is not supported by this emulator: use CREATE or UPDATE"


def test_only_a_new_stack_can_be_deleted_on_failure(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    said = refusal(
        cfn.client.create_change_set,
        StackName="mask",
        ChangeSetName="plan",
        TemplateBody=t.pipeline(),
        Capabilities=["CAPABILITY_IAM"],
        OnStackFailure="DELETE",
    )
    assert said == "OnStackFailure can be DELETE only when ChangeSetType is CREATE"


def test_what_becomes_of_a_failure_is_said_once(cfn: Any) -> None:
    cfn.plan("mask", QUEUE, "CREATE", OnStackFailure="ROLLBACK")
    said = refusal(cfn.client.execute_change_set, StackName="mask", ChangeSetName="plan", DisableRollback=True)
    assert said == "DisableRollback cannot be specified for a change set with OnStackFailure"


# -- types do not change --

OTHER = t.body({"Q": t.resource("AWS::S3::Bucket", {"BucketName": "other"})})
TYPES = (
    "Update of resource type is not permitted. The new template modifies resource type of the following "
    "resources: [Q]"
)


def test_another_type_under_the_same_name_is_refused(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    assert refusal(cfn.client.update_stack, StackName="mask", TemplateBody=OTHER) == TYPES


def test_another_type_under_the_same_name_fails_the_plan(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    plan = cfn.plan("mask", OTHER)
    assert (plan["Status"], plan["StatusReason"], plan["ExecutionStatus"]) == ("FAILED", TYPES, "UNAVAILABLE")


# -- templates in S3 --


@pytest.fixture
def stored(cfn: Any, aws: Any, endpoint: str) -> Any:
    """Return what puts a template into S3 and gives its URL in one of the known forms."""
    aws("s3").create_bucket(Bucket="templates")

    def put(body: str, form: str = "https://templates.s3.amazonaws.com/a/t.json") -> str:
        aws("s3").put_object(Bucket="templates", Key="a/t.json", Body=body.encode())
        return form.replace("ENDPOINT", endpoint)

    return put


@pytest.mark.parametrize(
    "form",
    [
        "https://templates.s3.amazonaws.com/a/t.json",
        "https://templates.s3.eu-west-1.amazonaws.com/a/t.json",
        "https://templates.s3-eu-west-1.amazonaws.com/a%2Ft.json",
        "https://s3.amazonaws.com/templates/a/t.json",
        "https://s3.eu-west-1.amazonaws.com/templates/a/t.json",
        "ENDPOINT/templates/a/t.json",
    ],
)
def test_a_template_can_lie_in_s3(cfn: Any, stored: Any, form: str) -> None:
    cfn.client.create_stack(StackName="mask", TemplateURL=stored(QUEUE, form))
    assert cfn.settled("mask")["StackStatus"] == "CREATE_COMPLETE"


def test_a_template_in_s3_may_be_larger(cfn: Any, stored: Any) -> None:
    large = t.body({"Q": t.resource("AWS::SQS::Queue", Metadata={"note": "x" * 90_000})})
    url = stored(large)
    assert cfn.client.validate_template(TemplateURL=url)["Parameters"] == []
    cfn.client.create_change_set(StackName="mask", ChangeSetName="plan", ChangeSetType="CREATE", TemplateURL=url)
    assert cfn.execute("mask")["StackStatus"] == "CREATE_COMPLETE"
    assert cfn.client.get_template_summary(StackName="mask")["ResourceTypes"] == ["AWS::SQS::Queue"]


def test_a_template_in_s3_has_a_megabyte_at_most(cfn: Any, stored: Any) -> None:
    url = stored(t.body({"Q": t.resource("AWS::SQS::Queue", Metadata={"note": "x" * 1_000_000})}))
    said = refusal(cfn.client.create_stack, StackName="mask", TemplateURL=url)
    assert said == "Template may not exceed 1000000 bytes in size."


@pytest.mark.parametrize("url", ["https://example.org/t.json", "s3://templates/a", "https://s3.amazonaws.com/a"])
def test_a_template_lies_in_s3_only(cfn: Any, url: str) -> None:
    said = refusal(cfn.client.create_stack, StackName="mask", TemplateURL=url)
    assert said == "TemplateURL must be a supported URL."


def test_a_template_that_is_not_there_is_refused(cfn: Any, stored: Any) -> None:
    url = stored(QUEUE).replace("t.json", "u.json")
    said = refusal(cfn.client.create_stack, StackName="mask", TemplateURL=url)
    assert said == "TemplateURL must reference a valid S3 object to which you have access."
