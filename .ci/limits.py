"""The template against limits and manners of AWS that no linter knows: it is expanded once, as CloudFormation expands it, and measured.

    limits.py TEMPLATE…

names what is wrong with each and fails. limits_test.py shows each check on a template that is wrong.
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
# Properties that name a resource, or that others find it by.
NAMES = ("Name", "FunctionName", "RoleName", "AlarmName", "DashboardName", "QueueName", "TableName", "TopicName", "LogGroupName")
# Days that the access log, which alone has addresses of people, may be kept.
ACCESS_LOG_DAYS = 30
NOTHING = object()


class Policies:
    """Managed policies by name: the template uses none."""

    def load(self):
        return {}


def expanded(template):
    """The template as CloudFormation sees it; what has no package yet gets one."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource.get("Type") == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"
    given = {name: str(parameter.get("Default", "https://example.com")) for name, parameter in template.get("Parameters", {}).items()}
    try:
        return transform(template, given, Policies())
    except InvalidDocumentException as error:
        sys.exit(f"the template can't be expanded: {error.message} {[cause.message for cause in error.causes]}")


class Words:
    """Values as CloudFormation would write them for a stack of this name.

    Parameters have their defaults. Of what depends on a condition the longest is taken, or, with `conditions`, what they say.
    """

    def __init__(self, whole, stack, conditions=None):
        self.resources, self.stack, self.conditions = whole["Resources"], stack, conditions
        self.names = {
            "AWS::StackName": stack, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": "ap-southeast-1",
            "AWS::URLSuffix": "amazonaws.com",
        }
        for name, parameter in whole.get("Parameters", {}).items():
            default = parameter.get("Default", "")
            self.names[name] = "x" * 60 if default == "" and conditions is None else str(default)

    def of(self, value):
        if isinstance(value, list):
            return [one for one in map(self.of, value) if one is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (call, argument), = value.items()
            if call == "Ref" or call.startswith("Fn::"):
                return self.called(call, argument)
        written = {name: self.of(one) for name, one in value.items()}
        return {name: one for name, one in written.items() if one is not NOTHING}

    def called(self, call, argument):
        if call == "Ref":
            return NOTHING if argument == "AWS::NoValue" else self.named(argument)
        if call == "Fn::GetAtt":
            of, what = argument.split(".", 1) if isinstance(argument, str) else argument
            return self.named(of) if what.endswith("Name") else f"arn:aws:service:ap-southeast-1:{ACCOUNT}:{self.named(of)}"
        if call == "Fn::Sub":
            text, own = (argument, {}) if isinstance(argument, str) else argument
            for part in text.split("${")[1:]:
                name = part.split("}")[0]
                known = self.of(own[name]) if name in own else self.named(name.split(".")[0])
                text = text.replace("${%s}" % name, str(known))
            return text
        if call == "Fn::Join":
            return argument[0].join(str(self.of(one)) for one in argument[1])
        if call == "Fn::If":
            if self.conditions is not None:
                return self.of(argument[1] if self.holds(self.conditions[argument[0]]) else argument[2])
            return max((self.of(one) for one in argument[1:]), key=lambda one: 0 if one is NOTHING else len(json.dumps(one)))
        return json.dumps(argument)

    def named(self, name):
        """A parameter's value; a resource's name, which CloudFormation makes of the stack's."""
        return self.names[name] if name in self.names else f"{self.stack}-{name}-".ljust(64, "x")[:64]

    def holds(self, condition):
        (call, argument), = condition.items()
        if call == "Fn::Equals":
            return str(self.of(argument[0])) == str(self.of(argument[1]))
        if call == "Fn::Not":
            return not self.holds(argument[0])
        if call == "Condition":
            return self.holds(self.conditions[argument])
        return (all if call == "Fn::And" else any)(self.holds(one) for one in argument)


def of_type(whole, kind):
    return [(name, one.get("Properties", {})) for name, one in whole["Resources"].items() if one["Type"] == kind]


def sizes(whole):
    """What is over a limit (deploy.md D1)."""
    words = Words(whole, STACK)
    resources = whole["Resources"]
    if len(resources) > RESOURCES:
        yield f"{len(resources)} resources, more than {RESOURCES}"
    imported = [path for _, api in of_type(whole, "AWS::ApiGatewayV2::Api") for path in api.get("Body", {}).get("paths", {}).items()]
    routes = len(of_type(whole, "AWS::ApiGatewayV2::Route")) + sum(len(methods) for _, methods in imported)
    if routes > ROUTES:
        yield f"{routes} routes, more than {ROUTES}"
    yield from policies(whole, words)
    for name, function in of_type(whole, "AWS::Lambda::Function"):
        size = len(json.dumps(words.of(function.get("Environment", {}).get("Variables", {}))))
        if size > ENVIRONMENT:
            yield f"the environment of {name} has {size} bytes, more than {ENVIRONMENT}"
    for name, kind, key, text in named(whole, words):
        if len(text) > LONGER.get(kind, NAME):
            yield f"the {key} of {name} has {len(text)} characters for a stack's name of {len(STACK)}: {text}"


def policies(whole, words):
    statements = {}
    for name, permission in of_type(whole, "AWS::Lambda::Permission"):
        # https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html: the form of a statement.
        statement = {
            "Sid": f"{STACK}-{name}-XXXXXXXXXXXX", "Effect": "Allow", "Principal": {"Service": permission["Principal"]},
            "Action": permission["Action"], "Resource": f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:" + "x" * 64,
            "Condition": {"ArnLike": {"AWS:SourceArn": words.of(permission.get("SourceArn", ""))}},
        }
        statements.setdefault(json.dumps(permission["FunctionName"]), []).append(statement)
    for name, all_of in statements.items():
        size = len(json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": all_of}, separators=(",", ":")))
        if size > POLICY:
            yield f"the resource policy of {name} has {size} bytes with {len(all_of)} permissions, more than {POLICY}"


def named(whole, words):
    """Each resource that has a name of its own: its logical name, type, the property and the text."""
    for name, resource in whole["Resources"].items():
        kind = resource["Type"]
        if kind in ("AWS::Lambda::Permission", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping"):
            continue
        for key in NAMES:
            own = resource.get("Properties", {}).get(key)
            if own is None or isinstance(own, dict) and own.get("Ref") in whole["Resources"]:
                continue
            yield name, kind, key, str(words.of(own))


def shared(whole):
    """Names that two stacks in one account would both use (deploy.md D5)."""
    one, other = (dict(names_of(whole, stack)) for stack in ("guerdon", "staging"))
    for name, where in one.items():
        if name in other:
            yield f"two stacks in one account share {name[0]} {name[1]}: {where}"


def names_of(whole, stack):
    """What a stack of this name is found by, and where that is written."""
    words = Words(whole, stack)
    for name, kind, _, text in named(whole, words):
        yield (kind, text), name
    for name, alarm in of_type(whole, "AWS::CloudWatch::Alarm"):
        series = [alarm.get("Namespace"), alarm.get("MetricName"), alarm.get("Dimensions", [])]
        yield ("metric", json.dumps(words.of(series), sort_keys=True)), name
    for name, board in of_type(whole, "AWS::CloudWatch::Dashboard"):
        for widget in json.loads(words.of(board["DashboardBody"]))["widgets"]:
            for metric in widget["properties"].get("metrics", []):
                yield ("metric", json.dumps([part for part in metric if isinstance(part, str)])), name
    for name, function in of_type(whole, "AWS::Lambda::Function"):
        for variable, value in words.of(function.get("Environment", {}).get("Variables", {})).items():
            if variable.endswith(("_PARAMETER", "_QUEUE_URL", "_NAMESPACE", "TABLE_NAME")):
                yield (variable, value), name
    for name, role in of_type(whole, "AWS::IAM::Role"):
        for statement in statements_of(role):
            if "ssm:GetParameters" in actions(statement):
                for resource in words.of(listed(statement["Resource"])):
                    yield ("secret", resource), name
    for name, output in whole.get("Outputs", {}).items():
        if "Export" in output:
            yield ("export", str(words.of(output["Export"]["Name"]))), name


def statements_of(role):
    for policy in role.get("Policies", []):
        for statement in listed(policy["PolicyDocument"]["Statement"]):
            yield statement.get("Fn::If", [None, statement])[1]


def actions(statement):
    return listed(statement.get("Action", []))


def listed(value):
    return value if isinstance(value, list) else [value]


def manners(template, whole):
    """Faults of deploy.md §1 that CloudFormation takes without a word."""
    plain = Words(whole, STACK, whole.get("Conditions", {}))
    for name, function in of_type(whole, "AWS::Lambda::Function"):
        if "ReservedConcurrentExecutions" in plain.of(function):
            yield f"D3: {name} reserves concurrency by default, and a new account has none to reserve"
    for name, resource in whole["Resources"].items():
        if resource.get("DeletionPolicy") == "Retain":
            yield f"D4: {name} stays behind when a first deployment fails; RetainExceptOnCreate"
    for name, api in of_type(whole, "AWS::ApiGatewayV2::Api"):
        if "CorsConfiguration" not in api:
            yield f"D10: pages of other origins can't call {name}"
    for name, stage in of_type(whole, "AWS::ApiGatewayV2::Stage"):
        if "$context.identity.sourceIp" not in str(stage.get("AccessLogSettings", {}).get("Format", "")):
            yield f"D12: the access log of {name} does not say where a request comes from"
        for log in [one for one in whole["Resources"] if f'"{one}"' in json.dumps(stage.get("AccessLogSettings", {}))]:
            if plain.of(whole["Resources"][log]["Properties"]).get("RetentionInDays", ACCESS_LOG_DAYS + 1) > ACCESS_LOG_DAYS:
                yield f"D12: {log} keeps people's addresses for longer than {ACCESS_LOG_DAYS} days"
    if not of_type(whole, "AWS::SNS::Topic"):
        yield "D12: alarms can't be told to an address"
    for name, resource in template["Resources"].items():
        events = resource.get("Properties", {}).get("Events", {})
        if resource["Type"] == "AWS::Serverless::Function" and any(event["Type"] in ("Api", "HttpApi") for event in events.values()):
            yield f"D18: routes of {name} are events, and each is a question of a guided deployment"
    for name, role in of_type(whole, "AWS::IAM::Role"):
        yield from grants(name, role)
    for name, schedule in of_type(whole, "AWS::Scheduler::Schedule"):
        if "DeadLetterConfig" not in schedule.get("Target", {}):
            yield f"D21: ticks of {name} that do not arrive are lost without a letter"
    outputs = json.dumps(whole.get("Outputs", {}))
    for name, _ in of_type(whole, "AWS::SQS::Queue"):
        if f'"{name}"' not in outputs:
            yield f"D21: no output tells of {name}"
    if "/v1/webhooks/" not in outputs:
        yield "D21: no output tells the providers' webhooks"


def grants(name, role):
    reads_secrets, decrypts = False, False
    for statement in statements_of(role):
        reads_secrets |= "ssm:GetParameters" in actions(statement)
        decrypts |= "kms:Decrypt" in actions(statement)
        conditions = statement.get("Condition", {})
        for operator, keys in conditions.items():
            if "dynamodb:EnclosingOperation" in keys and not operator.startswith("ForAnyValue:"):
                yield f"D20: {name} compares dynamodb:EnclosingOperation by {operator}"
        if "ses:SendEmail" in actions(statement):
            if "configuration-set/" not in json.dumps(statement["Resource"]):
                yield f"D7: {name} can't send by a configuration set"
            if not any("ses:FromAddress" in keys for keys in conditions.values()):
                yield f"D7: {name} sends from any address"
    if reads_secrets and not decrypts:
        yield f"D9: {name} can't read secrets under a key of the operator's own"


def wrong(template, whole=None):
    """All that is wrong with a template."""
    whole = whole or expanded(template)
    return [*sizes(whole), *shared(whole), *manners(template, whole)]


def read(path):
    with open(path) as file:
        return yaml_parse(file.read())


def main():
    failed = False
    for path in sys.argv[1:]:
        template = read(path)
        whole = expanded(template)
        print(f"{path}: {len(whole['Resources'])} resources, {len(yaml.safe_dump(whole))} bytes expanded")
        for found in wrong(template, whole):
            failed = True
            print(f"{path}: {found}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
