"""The template against limits of AWS that no linter knows: it is expanded as CloudFormation expands it, and measured.

`limits.py TEMPLATE` names what is over a limit and fails. `limits.py TEMPLATE --itself` tries each check on a template that is over its
limit, and fails when one is let through.
"""

import copy
import json
import os
import sys

import yaml

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.model.exceptions import InvalidDocumentException  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

# A name that is as long as a stack's may be here.
STACK = "s" * 40
ACCOUNT = "123456789012"
# AWS allows 20 480; a policy also grows as people add to it.
POLICY = 16 * 1024
RESOURCES = 450
ROUTES = 250
ENVIRONMENT = 4 * 1024
NAME = 64
# What AWS calls differently: names of these resources may be longer.
LONGER = {"AWS::SSM::Parameter": 1011, "AWS::Logs::LogGroup": 512, "AWS::ApiGatewayV2::Api": 128}


class Policies:
    """Managed policies by name: the template uses none."""

    def load(self):
        return {}


def expanded(template):
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    given = {name: str(parameter.get("Default", "https://example.com")) for name, parameter in template["Parameters"].items()}
    try:
        return transform(template, given, Policies())
    except InvalidDocumentException as error:
        sys.exit(f"the template can't be expanded: {error.message} {[cause.message for cause in error.causes]}")


def written(value, names):
    """A value as CloudFormation would write it, with names as long as they get."""
    if isinstance(value, list):
        return [written(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or not (next(iter(value)) == "Ref" or next(iter(value)).startswith("Fn::")):
        return {name: written(one, names) for name, one in value.items()}
    (call, argument), = value.items()
    if call == "Ref":
        return names.get(argument) or "x" * 64
    if call == "Fn::GetAtt":
        return "arn:aws:service:ap-southeast-1:%s:%s" % (ACCOUNT, "x" * 64)
    if call == "Fn::Sub":
        text, own = (argument, {}) if isinstance(argument, str) else argument
        for part in text.split("${")[1:]:
            name = part.split("}")[0]
            known = written(own[name], names) if name in own else names.get(name) or "x" * 64
            text = text.replace("${%s}" % name, known)
        return text
    if call == "Fn::Join":
        return argument[0].join(str(written(one, names)) for one in argument[1])
    if call == "Fn::If":
        return max((written(one, names) for one in argument[1:]), key=lambda one: len(json.dumps(one)))
    return json.dumps(argument)


def over(template):
    """What is over a limit."""
    whole = expanded(template)
    resources = whole["Resources"]
    names = {
        "AWS::StackName": STACK, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": "ap-southeast-1",
        "AWS::URLSuffix": "amazonaws.com", "AWS::NoValue": "",
    }
    names |= {name: str(parameter.get("Default") or "x" * 60) for name, parameter in template["Parameters"].items()}
    of = lambda kind: [(name, one.get("Properties", {})) for name, one in resources.items() if one["Type"] == kind]  # noqa: E731
    if len(resources) > RESOURCES:
        yield f"{len(resources)} resources, more than {RESOURCES}"
    imported = [path for _, api in of("AWS::ApiGatewayV2::Api") for path in api.get("Body", {}).get("paths", {}).items()]
    routes = len(of("AWS::ApiGatewayV2::Route")) + sum(len(methods) for _, methods in imported)
    if routes > ROUTES:
        yield f"{routes} routes, more than {ROUTES}"
    policies = {}
    for name, permission in of("AWS::Lambda::Permission"):
        # https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html: the form of a statement.
        source = written(permission.get("SourceArn", ""), names)
        statement = {
            "Sid": f"{STACK}-{name}-XXXXXXXXXXXX", "Effect": "Allow", "Principal": {"Service": permission["Principal"]},
            "Action": permission["Action"], "Resource": f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:" + "x" * 64,
            "Condition": {"ArnLike": {"AWS:SourceArn": source}},
        }
        policies.setdefault(json.dumps(permission["FunctionName"]), []).append(statement)
    for name, statements in policies.items():
        size = len(json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}, separators=(",", ":")))
        if size > POLICY:
            yield f"the resource policy of {name} has {size} bytes with {len(statements)} permissions, more than {POLICY}"
    for name, function in of("AWS::Lambda::Function"):
        variables = written(function.get("Environment", {}).get("Variables", {}), names)
        size = len(json.dumps(variables))
        if size > ENVIRONMENT:
            yield f"the environment of {name} has {size} bytes, more than {ENVIRONMENT}"
    for name, resource in resources.items():
        for key in ("Name", "FunctionName", "RoleName", "AlarmName", "DashboardName", "QueueName", "TableName", "TopicName"):
            own = resource.get("Properties", {}).get(key)
            limit = LONGER.get(resource["Type"], NAME)
            if own is None or resource["Type"] in ("AWS::Lambda::Permission", "AWS::Lambda::Version", "AWS::Lambda::Alias"):
                continue
            if isinstance(own, dict) and "Ref" in own and own["Ref"] in resources:
                continue
            text = written(own, names)
            if len(str(text)) > limit:
                yield f"the {key} of {name} has {len(str(text))} characters for a stack's name of {len(STACK)}: {text}"


def itself(template):
    """Each check on a template that is over its limit."""
    def changed(change):
        other = copy.deepcopy(template)
        change(other["Resources"])
        return other

    def permissions(resources):
        one = next(one for one in resources.values() if one["Type"] == "AWS::Lambda::Permission")
        resources.update({f"Permission{number}": copy.deepcopy(one) for number in range(60)})

    def routes(resources):
        one = next(one for one in resources.values() if one["Type"] == "AWS::ApiGatewayV2::Route")
        resources.update({f"Route{number}": copy.deepcopy(one) for number in range(250)})

    def queues(resources):
        resources.update({f"Queue{number}": {"Type": "AWS::SQS::Queue"} for number in range(450)})

    def variables(resources):
        one = next(one for one in resources.values() if one["Type"] == "AWS::Serverless::Function")
        one["Properties"].setdefault("Environment", {}).setdefault("Variables", {})["LONG"] = "x" * 4096

    def name(resources):
        resources["Role"] = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Fn::Sub": "${AWS::StackName}-" + "x" * 24}}}

    cases = [(permissions, "resource policy"), (routes, "routes"), (queues, "resources"), (variables, "environment"), (name, "RoleName")]
    for change, word in cases:
        if not any(word in found for found in over(changed(change))):
            sys.exit(f"nothing is said about {change.__name__}")


def main():
    with open(sys.argv[1]) as file:
        template = yaml_parse(file.read())
    if "--itself" in sys.argv:
        return itself(template)
    found = list(over(template))
    whole = expanded(template)
    print(f"{len(whole['Resources'])} resources, {len(yaml.safe_dump(whole))} bytes expanded")
    if found:
        sys.exit("\n".join(found))


main()
