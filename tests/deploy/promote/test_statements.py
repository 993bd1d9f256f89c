"""Who may do what after a promotion and could not before, read off two templates."""

from __future__ import annotations

from typing import Any

from tests.deploy.conftest import Parse

from hfaas_deploy import template
from hfaas_deploy.preview import Action
from hfaas_deploy.promote.promotion import Statement
from hfaas_deploy.promote.statements import differences

KNOWN = {"AWS::AccountId": "111122223333", "AWS::Region": "eu-west-1", "AWS::Partition": "aws"}
FDL = """\
    hfaas: {{stack: films}}
    functions:
      aws:
      - lambda:
          name: split
          init_script: a.sh
          container: {{image: debian}}
          input: [{{storage_provider: s3, path: {source}}}]
          output: [{{storage_provider: s3, path: films/out}}]
        hfaas: {{url: {url}}}
    """


def role(*statements: dict[str, Any], trusted: str = "lambda.amazonaws.com", **more: Any) -> dict[str, Any]:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}]}
    policies = [{"PolicyName": "x", "PolicyDocument": {"Statement": list(statements)}}]
    properties = {"AssumeRolePolicyDocument": trust, "Policies": policies, **more}
    return {"Resources": {"SplitRole": {"Type": "AWS::IAM::Role", "Properties": properties}}}


def allow(actions: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def test_equal_templates_differ_in_nothing(parse: Parse) -> None:
    document = template.document(parse(FDL.format(source="films/in", url="public")))

    assert differences(document, document, KNOWN) == ()


def test_all_statements_of_a_new_stack_are_added_and_read_as_whole_arns(parse: Parse) -> None:
    found = differences({}, template.document(parse(FDL.format(source="films/in", url="none"))), KNOWN)

    assert {one.action for one in found} == {Action.ADD}
    reads = [one for one in found if one.actions == ("s3:GetObject",)]
    assert [one.resources for one in reads] == [("arn:aws:s3:::films/in/*",)]
    assert not any("${" in text for one in found for text in (*one.resources, one.condition, one.principal))


def test_another_folder_is_one_statement_less_and_one_more(parse: Parse) -> None:
    old = template.document(parse(FDL.format(source="films/in", url="none")))
    new = template.document(parse(FDL.format(source="films/raw", url="none")))

    assert [(one.action, one.actions, one.resources) for one in differences(old, new, KNOWN)] == [
        (Action.ADD, ("s3:GetObject",), ("arn:aws:s3:::films/raw/*",)),
        (Action.REMOVE, ("s3:GetObject",), ("arn:aws:s3:::films/in/*",)),
    ]


def test_what_anybody_may_do_is_told_with_its_principal(parse: Parse) -> None:
    old = template.document(parse(FDL.format(source="films/in", url="iam")))
    new = template.document(parse(FDL.format(source="films/in", url="public")))

    found = [one for one in differences(old, new, KNOWN) if one.principal == "*"]

    assert {one.actions for one in found} == {("lambda:InvokeFunctionUrl",), ("lambda:InvokeFunction",)}
    assert {one.action for one in found} == {Action.ADD}
    assert any("FunctionUrlAuthType NONE" in one.condition for one in found)


def test_the_bucket_that_may_call_a_function_is_told(parse: Parse) -> None:
    found = differences({}, template.document(parse(FDL.format(source="films/in", url="none"))), KNOWN)

    (call,) = [one for one in found if one.principal == "s3.amazonaws.com"]
    assert call.condition == "SourceAccount 111122223333, SourceArn arn:aws:s3:::films"


def test_the_order_in_which_a_statement_is_written_does_not_matter() -> None:
    old = role(allow(["s3:PutObject", "s3:GetObject"], ["b", "a"]), allow("sqs:SendMessage", "q"))
    new = role(allow("sqs:SendMessage", ["q"]), allow(["s3:GetObject", "s3:PutObject"], ["a", "b"]))

    assert differences(old, new, KNOWN) == ()


def test_whom_a_role_trusts_and_policies_of_aws_count_too() -> None:
    policy = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/Admin"}

    found = differences(role(), role(trusted="ec2.amazonaws.com", ManagedPolicyArns=[policy]), KNOWN)

    assert found == (
        Statement(Action.ADD, "SplitRole", "Allow", ("all of the policy",), ("arn:aws:iam::aws:policy/Admin",)),
        Statement(Action.ADD, "SplitRole", "Allow", ("sts:AssumeRole",), (), principal="ec2.amazonaws.com"),
        Statement(Action.REMOVE, "SplitRole", "Allow", ("sts:AssumeRole",), (), principal="lambda.amazonaws.com"),
    )


def test_conditions_make_a_statement_another_one() -> None:
    near = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    found = differences(role(allow("a:B", "*")), role(allow("a:B", "*", Condition=near)), KNOWN)

    assert [(one.action, one.condition) for one in found] == [
        (Action.ADD, "StringEquals aws:SourceAccount 111122223333"),
        (Action.REMOVE, ""),
    ]


def test_denials_and_exceptions_are_told_as_such() -> None:
    deny = {"Effect": "Deny", "NotAction": "s3:*", "NotResource": ["a"]}

    (found,) = differences(role(), role(deny), KNOWN)

    assert (found.effect, found.actions, found.resources) == ("Deny", ("all but s3:*",), ("all but a",))


def test_a_single_statement_need_not_be_in_a_list() -> None:
    document = {"Statement": allow("sqs:SendMessage", {"Fn::GetAtt": ["Dead", "Arn"]}, Principal={"Service": "e"})}
    new = {"Resources": {"P": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"PolicyDocument": document}}}}

    (found,) = differences({}, new, KNOWN)

    assert found == Statement(Action.ADD, "P", "Allow", ("sqs:SendMessage",), ("Dead",), principal="e")
