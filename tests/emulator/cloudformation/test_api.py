"""The API answers in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.emulator.cloudformation import templates as t

QUEUE = t.body({"Q": t.resource("AWS::SQS::Queue")})
BAD = {
    "parameter of a type that is none": (
        t.body({"Q": t.resource("AWS::SQS::Queue")}, Parameters={"P": {"Type": "Text"}}),
        "Template format error: Unrecognized parameter type: Text",
    ),
    "parameter whose value is elsewhere": (
        t.body(
            {"Q": t.resource("AWS::SQS::Queue")}, Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>"}}
        ),
        "Template format error: Unrecognized parameter type: AWS::SSM::Parameter::Value<String>",
    ),
    "not JSON": ('{"Resources": ', "Template format error: JSON not well-formed. (line 1, column 15)"),
    "not YAML": ("Resources: [", "Template format error: YAML not well-formed. (line 1, column 13)"),
    "a list": ("- a", "Template format error: unsupported structure."),
    "no resources": ('{"Resources": {}}', "Template format error: At least one Resources member must be defined."),
    "a typo": ('{"Resource": {}}', "Invalid template property or properties [Resource]"),
    "no type": (
        '{"Resources": {"Q": {}}}',
        "Template format error: [/Resources/Q] Every Resources object must contain a Type member.",
    ),
    "an unknown type": (
        t.body({"Q": t.resource("AWS::No::Such")}),
        "Template format error: Unrecognized resource types: [AWS::No::Such]",
    ),
    "a type of AWS that is not emulated": (
        t.body({"U": t.resource("AWS::StepFunctions::StateMachine", {"RoleArn": "r"})}),
        "Template format error: Unrecognized resource types: [AWS::StepFunctions::StateMachine]",
    ),
    "a lost Ref": (
        t.body({"Q": t.resource("AWS::SQS::Queue", {"QueueName": t.ref("Nobody")})}),
        "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template",
    ),
    "a lost GetAtt": (
        t.body({"Q": t.resource("AWS::SQS::Queue", {"QueueName": t.att("Nobody")})}),
        "Template error: instance of Fn::GetAtt references undefined resource Nobody",
    ),
    "a circle": (
        t.body(
            {
                "A": t.resource("AWS::SQS::Queue", DependsOn="B"),
                "B": t.resource("AWS::SQS::Queue", {"QueueName": t.ref("A")}),
            }
        ),
        "Circular dependency between resources: [A, B]",
    ),
    "an unknown function": (
        t.body({"Q": t.resource("AWS::SQS::Queue", {"QueueName": {"Fn::Select": [0, ["a"]]}})}),
        "Template error: the function Fn::Select is not supported by this emulator",
    ),
    "conditions": (
        t.body({"Q": t.resource("AWS::SQS::Queue")}, Conditions={}),
        "Template error: the section Conditions is not supported by this emulator",
    ),
    "a wrong policy": (
        t.body({"Q": t.resource("AWS::SQS::Queue", DeletionPolicy="Keep")}),
        "Template error: Unrecognized DeletionPolicy Keep for resource Q",
    ),
}


def refusal(call: Any, **fields: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**fields)
    said = refused.value.response["Error"]
    return said["Code"], said["Message"]


# -- refusals --


@pytest.mark.parametrize("what", BAD)
def test_a_template_that_cannot_work_is_refused(cfn: Any, what: str) -> None:
    body, words = BAD[what]
    assert refusal(cfn.client.validate_template, TemplateBody=body) == ("ValidationError", words)


def test_a_refused_template_makes_no_stack(cfn: Any) -> None:
    refusal(cfn.client.create_stack, StackName="mask", TemplateBody=BAD["a circle"][0])
    assert cfn.client.list_stacks()["StackSummaries"] == []


def test_a_template_has_51200_bytes_at_most(cfn: Any) -> None:
    long = t.body({"Q": t.resource("AWS::SQS::Queue")}, Description="x" * 51_200)
    assert "length less than or equal to 51200" in refusal(cfn.client.validate_template, TemplateBody=long)[1]


def test_an_unknown_stack_does_not_exist(cfn: Any) -> None:
    words = ("ValidationError", "Stack with id nobody does not exist")
    assert refusal(cfn.client.describe_stacks, StackName="nobody") == words
    assert refusal(cfn.client.describe_stack_events, StackName="nobody") == words
    assert refusal(cfn.client.get_template, StackName="nobody") == words


def test_a_stack_of_that_name_exists(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    code, words = refusal(cfn.client.create_stack, StackName="mask", TemplateBody=QUEUE)
    assert (code, words) == ("AlreadyExistsException", "Stack [mask] already exists")


def test_iam_resources_must_be_acknowledged(cfn: Any) -> None:
    refused = refusal(cfn.client.create_stack, StackName="mask", TemplateBody=t.pipeline())
    assert refused == ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")


def test_named_iam_resources_need_the_stronger_acknowledgement(cfn: Any) -> None:
    role = t.role()
    role["Properties"]["RoleName"] = "named"
    refused = refusal(
        cfn.client.create_stack,
        StackName="mask",
        TemplateBody=t.pipeline(Role=role),
        Capabilities=["CAPABILITY_IAM"],
    )
    assert refused == ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")


def test_an_update_without_changes_is_refused(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    refused = refusal(cfn.client.update_stack, StackName="mask", TemplateBody=QUEUE)
    assert refused == ("ValidationError", "No updates are to be performed.")


def test_a_rolled_back_stack_cannot_be_updated(cfn: Any) -> None:
    stack = cfn.create("mask", t.body({"B": t.resource("AWS::S3::Bucket", {"BucketName": "X"})}))
    words = f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    assert refusal(cfn.client.update_stack, StackName="mask", TemplateBody=QUEUE)[1] == words


def test_a_protected_stack_is_not_deleted(cfn: Any) -> None:
    cfn.create("mask", QUEUE, EnableTerminationProtection=True)
    words = "Stack [mask] cannot be deleted while TerminationProtection is enabled"
    assert refusal(cfn.client.delete_stack, StackName="mask")[1] == words
    cfn.client.update_termination_protection(StackName="mask", EnableTerminationProtection=False)
    assert cfn.delete("mask")["StackStatus"] == "DELETE_COMPLETE"


def test_an_action_nobody_knows_is_refused(cfn: Any) -> None:
    assert refusal(cfn.client.list_stack_sets)[0] == "InvalidAction"


@pytest.mark.parametrize("name", ["1abc", "under_score"])
def test_a_stack_name_is_checked(cfn: Any, name: str) -> None:
    assert "at 'stackName' failed" in refusal(cfn.client.create_stack, StackName=name, TemplateBody=QUEUE)[1]


# -- change sets --


def test_a_new_stack_is_under_review_until_its_change_set_is_executed(cfn: Any) -> None:
    plan = cfn.plan("mask", QUEUE, "CREATE")
    assert cfn.client.describe_stacks(StackName="mask")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert (plan["Status"], plan["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert plan["Changes"][0]["ResourceChange"]["Action"] == "Add"
    assert cfn.execute("mask")["StackStatus"] == "CREATE_COMPLETE"
    assert cfn.statuses("mask", "mask") == ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_a_plan_touches_nothing(cfn: Any, aws: Any) -> None:
    cfn.plan("mask", QUEUE, "CREATE")
    assert aws("sqs").list_queues().get("QueueUrls", []) == []


def test_a_stack_under_review_is_deleted_without_a_trace(cfn: Any) -> None:
    cfn.plan("mask", QUEUE, "CREATE")
    assert cfn.delete("mask")["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_without_changes_has_failed(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    plan = cfn.plan("mask", QUEUE)
    assert (plan["Status"], plan["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert plan["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_new_outputs_alone_are_a_change(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    more = t.body({"Q": t.resource("AWS::SQS::Queue")}, Outputs={"Url": {"Value": t.ref("Q")}})
    assert cfn.plan("mask", more)["Status"] == "CREATE_COMPLETE"
    assert cfn.execute("mask")["Outputs"][0]["OutputKey"] == "Url"


def test_a_modification_tells_what_it_does_to_what(cfn: Any, aws: Any) -> None:
    cfn.create("mask", t.pipeline())
    (change,) = cfn.plan("mask", t.pipeline(Function=t.function(MemorySize=3008)))["Changes"]
    told = change["ResourceChange"]
    assert (told["Action"], told["Replacement"], told["PhysicalResourceId"]) == ("Modify", "False", "detect")
    assert told["Details"] == [
        {
            "Target": {"Attribute": "Properties", "Name": "MemorySize", "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ]


def test_a_new_digest_is_one_modification_caused_by_its_parameter(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    (change,) = cfn.plan("mask", t.pipeline(), Parameters=t.image(t.OTHER_IMAGE))["Changes"]
    (detail,) = change["ResourceChange"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Image")


def test_dependents_of_a_replaced_resource_are_in_the_plan(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    plan = cfn.plan("mask", t.pipeline(Function=t.function("renamed")))
    told = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in plan["Changes"]}
    assert {name: one["Replacement"] for name, one in told.items()} == {
        "Function": "True",
        "Permission": "Conditional",
        "Retries": "Conditional",
        "Bucket": "False",
    }
    assert told["Bucket"]["Details"][0]["CausingEntity"] == "Function.Arn"


def test_a_change_set_runs_once(cfn: Any) -> None:
    plan = cfn.plan("mask", QUEUE, "CREATE")
    cfn.execute("mask")
    refused = refusal(cfn.client.execute_change_set, StackName="mask", ChangeSetName="plan")
    arn = plan["ChangeSetId"]
    words = f"ChangeSet [{arn}] cannot be executed in its current status of [EXECUTE_COMPLETE]"
    assert refused == ("InvalidChangeSetStatus", words)


def test_executing_again_with_the_same_token_is_the_same_request(cfn: Any) -> None:
    cfn.plan("mask", QUEUE, "CREATE")
    cfn.execute("mask", ClientRequestToken="once")
    cfn.execute("mask", ClientRequestToken="once")
    assert cfn.statuses("mask", "mask").count("CREATE_IN_PROGRESS") == 1


def test_creating_a_change_set_again_with_the_same_token_is_the_same_request(cfn: Any) -> None:
    first = cfn.plan("mask", QUEUE, "CREATE", ClientToken="once")
    assert cfn.plan("mask", QUEUE, "CREATE", ClientToken="once")["ChangeSetId"] == first["ChangeSetId"]


def test_creating_a_stack_again_with_the_same_token_is_the_same_request(cfn: Any) -> None:
    first = cfn.create("mask", QUEUE, ClientRequestToken="once")
    assert cfn.create("mask", QUEUE, ClientRequestToken="once")["StackId"] == first["StackId"]


def test_a_failed_executed_change_set_does_what_it_was_told(cfn: Any) -> None:
    bad = t.body({"B": t.resource("AWS::S3::Bucket", {"BucketName": "X"})})
    cfn.plan("mask", bad, "CREATE", OnStackFailure="DO_NOTHING")
    assert cfn.execute("mask")["StackStatus"] == "CREATE_FAILED"


def test_a_change_set_can_be_discarded(cfn: Any) -> None:
    cfn.plan("mask", QUEUE, "CREATE")
    cfn.client.delete_change_set(StackName="mask", ChangeSetName="plan")
    assert cfn.client.list_change_sets(StackName="mask")["Summaries"] == []
    code, words = refusal(cfn.client.describe_change_set, StackName="mask", ChangeSetName="plan")
    assert (code, words) == ("ChangeSetNotFound", "ChangeSet [plan] does not exist")


def test_other_plans_are_obsolete_when_one_was_executed(cfn: Any) -> None:
    cfn.plan("mask", QUEUE, "CREATE")
    cfn.client.create_change_set(
        StackName="mask", ChangeSetName="rival", ChangeSetType="CREATE", TemplateBody=QUEUE
    )
    cfn.execute("mask")
    rival = cfn.client.describe_change_set(StackName="mask", ChangeSetName="rival")
    assert rival["ExecutionStatus"] == "OBSOLETE"


def test_an_update_needs_a_stack(cfn: Any) -> None:
    fields = {"StackName": "mask", "ChangeSetName": "plan", "TemplateBody": QUEUE}
    assert refusal(cfn.client.create_change_set, **fields) == ("ValidationError", "Stack [mask] does not exist")


def test_a_change_set_is_found_by_its_arn_alone(cfn: Any) -> None:
    arn = cfn.plan("mask", QUEUE, "CREATE")["ChangeSetId"]
    assert cfn.client.describe_change_set(ChangeSetName=arn)["StackName"] == "mask"


# -- parameters --

NUMBERED = t.body(
    {"Q": t.resource("AWS::SQS::Queue", {"DelaySeconds": t.ref("Delay")})},
    Parameters={"Delay": {"Type": "Number", "MaxValue": 900}},
)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "Parameters: [Delay] must have values"),
        (["Delay", "Other"], "Parameters: [Other] do not exist in the template"),
    ],
)
def test_parameters_must_fit_the_template(cfn: Any, given: list[str], words: str) -> None:
    parameters = [{"ParameterKey": key, "ParameterValue": "1"} for key in given]
    refused = refusal(cfn.client.create_stack, StackName="mask", TemplateBody=NUMBERED, Parameters=parameters)
    assert refused == ("ValidationError", words)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("soon", "Parameter 'Delay' must be a number."),
        ("901", "Parameter 'Delay' must be a number not greater than 900"),
    ],
)
def test_a_parameters_value_is_checked(cfn: Any, value: str, words: str) -> None:
    given = [{"ParameterKey": "Delay", "ParameterValue": value}]
    assert refusal(cfn.client.create_stack, StackName="a", TemplateBody=NUMBERED, Parameters=given)[1] == words


def test_a_parameter_can_keep_its_value(cfn: Any, aws: Any) -> None:
    cfn.create("mask", NUMBERED, Parameters=[{"ParameterKey": "Delay", "ParameterValue": "7"}])
    tagged = [{"Key": "a", "Value": "b"}]
    kept = [{"ParameterKey": "Delay", "UsePreviousValue": True}]
    stack = cfn.update("mask", NUMBERED, Parameters=kept, Tags=tagged)
    assert stack["Parameters"] == [{"ParameterKey": "Delay", "ParameterValue": "7"}]


def test_a_secret_parameter_is_never_shown(cfn: Any) -> None:
    hidden = t.body({"Q": t.resource("AWS::SQS::Queue")}, Parameters={"Token": {"Type": "String", "NoEcho": True}})
    stack = cfn.create("mask", hidden, Parameters=[{"ParameterKey": "Token", "ParameterValue": "secret"}])
    assert stack["Parameters"] == [{"ParameterKey": "Token", "ParameterValue": "****"}]


def test_an_update_can_use_the_previous_template(cfn: Any, aws: Any) -> None:
    cfn.create("mask", t.pipeline())
    cfn.client.update_stack(
        StackName="mask",
        UsePreviousTemplate=True,
        Parameters=t.image(t.OTHER_IMAGE),
        Capabilities=["CAPABILITY_IAM"],
    )
    assert cfn.settled("mask")["StackStatus"] == "UPDATE_COMPLETE"
    assert aws("lambda").get_function(FunctionName="detect")["Code"]["ImageUri"] == t.OTHER_IMAGE


# -- reading --


def test_events_come_newest_first_and_in_pages(cfn: Any) -> None:
    many = {f"Q{n}": t.resource("AWS::SQS::Queue") for n in range(36)}
    cfn.create("mask", t.body(many))
    pages = list(cfn.client.get_paginator("describe_stack_events").paginate(StackName="mask"))
    events = [one for page in pages for one in page["StackEvents"]]
    assert len(pages) == 2
    assert len({one["EventId"] for one in events}) == 36 * 3 + 2
    assert events[0]["ResourceStatus"] == "CREATE_COMPLETE"


def test_a_long_plan_comes_in_pages(cfn: Any) -> None:
    many = {f"Q{n}": t.resource("AWS::SQS::Queue") for n in range(101)}
    first = cfn.plan("mask", t.body(many), "CREATE")
    rest = cfn.client.describe_change_set(StackName="mask", ChangeSetName="plan", NextToken=first["NextToken"])
    assert (len(first["Changes"]), len(rest["Changes"])) == (100, 1)


def test_a_deleted_stack_answers_to_its_arn_only(cfn: Any) -> None:
    arn = cfn.create("mask", QUEUE)["StackId"]
    cfn.delete("mask")
    assert cfn.client.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    assert refusal(cfn.client.describe_stacks, StackName="mask")[0] == "ValidationError"
    assert cfn.client.describe_stacks()["Stacks"] == []


def test_stacks_are_listed_by_status(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    found = cfn.client.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert [one["StackName"] for one in found] == ["mask"]
    assert cfn.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"] == []


def test_stacks_of_another_region_are_not_seen(cfn: Any, driver_of: Any, shared_server: Any) -> None:
    cfn.create("mask", QUEUE)
    assert driver_of(shared_server, "eu-west-1").client.describe_stacks()["Stacks"] == []


def test_a_resource_is_found_by_both_its_names(cfn: Any) -> None:
    cfn.create("mask", t.pipeline())
    detail = cfn.client.describe_stack_resource(StackName="mask", LogicalResourceId="Function")
    assert detail["StackResourceDetail"]["PhysicalResourceId"] == "detect"
    (found,) = cfn.client.describe_stack_resources(PhysicalResourceId="detect")["StackResources"]
    assert (found["StackName"], found["LogicalResourceId"]) == ("mask", "Function")


def test_the_template_comes_back_as_it_was_sent(cfn: Any) -> None:
    cfn.create("mask", QUEUE)
    assert t.body(cfn.client.get_template(StackName="mask")["TemplateBody"]["Resources"]) == QUEUE


def test_a_template_is_summed_up(cfn: Any) -> None:
    summary = cfn.client.get_template_summary(TemplateBody=t.pipeline())
    assert summary["Capabilities"] == ["CAPABILITY_IAM"]
    assert summary["Parameters"][0]["ParameterKey"] == "Image"
    assert "AWS::S3::Bucket" in summary["ResourceTypes"]


def test_yaml_with_short_forms_is_understood(cfn: Any, aws: Any) -> None:
    text = """
    AWSTemplateFormatVersion: 2010-09-09
    Resources:
      Q: {Type: "AWS::SQS::Queue", Properties: {QueueName: !Sub "${AWS::StackName}-q"}}
    Outputs:
      Arn: {Value: !GetAtt Q.Arn}
    """
    stack = cfn.create("mask", text)
    assert stack["Outputs"][0]["OutputValue"] == "arn:aws:sqs:us-east-1:123456789012:mask-q"
