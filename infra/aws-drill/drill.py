"""The template as it is, on somebody else's AWS: deployed, used, updated and taken down.

    drill.py MINISTACK SAM BINARIES

MINISTACK and SAM are the programs; BINARIES is the folder with the built functions, `guerdon` and `guerdon-local`, whose simulated
gateway takes the payments. MiniStack is one process without Docker that speaks CloudFormation with the Serverless transform, Lambda with
native processes, HTTP APIs, DynamoDB, SQS, Scheduler, SSM and SES. ../README.md lists what it can't show.
"""

import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zipfile
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent.parent
MINISTACK, SAM, BINARIES = (os.path.abspath(word) for word in sys.argv[1:])
STACK, REGION, BUCKET = "guerdon", "us-east-1", "guerdon-packages"
PASSWORD = "correct horse battery"
# What the simulated gateway of the local stack knows as its merchant.
PID, KEY = "1000", "local-zpay-key-0123456789"
PATIENCE = 60


def port():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def until(what, ask, patience=PATIENCE):
    """The first answer of `ask` that is true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            answer = ask()
        except (OSError, http.client.HTTPException):
            answer = None
        if answer:
            return answer
        time.sleep(0.2)
    raise SystemExit(f"{what}: not within {patience} s")


def call(address, method, path, body=None, headers=(), host=None):
    """Status, headers and body of a request; a body that is JSON is read."""
    headers = {"Content-Type": "application/json", **dict(headers)}
    if host:
        headers["Host"] = host
    connection = http.client.HTTPConnection("127.0.0.1", address, timeout=40)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    try:
        return answer.status, dict(answer.getheaders()), json.loads(text)
    except ValueError:
        return answer.status, dict(answer.getheaders()), text


class Cloud:
    """A MiniStack, and the product deployed to it."""

    def __init__(self, folder):
        self.folder, self.port, self.sim = folder, port(), port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUERDON_"))},
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION, "SAM_CLI_TELEMETRY": "0", "GATEWAY_PORT": str(self.port),
        }
        self.processes, self.outputs, self.begun = [], {}, time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.begun:6.1f} s  {text}", flush=True)

    def start(self, name, command, ready, environment=None):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(command, env=environment or self.environment, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)
        until(f"{name} answers", ready)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()

    def aws(self, service):
        return boto3.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"], region_name=REGION,
                            aws_access_key_id="test", aws_secret_access_key="test")

    def run(self, *command, words=None, environment=None):
        done = subprocess.run(command, env={**self.environment, **(environment or {})}, cwd=self.folder, input=words,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
        return done.stdout

    def deploy(self, **parameters):
        given = {"MailFrom": "no-reply@example.com", "Architecture": "x86_64" if os.uname().machine == "x86_64" else "arm64",
                 "ZpayApiUrl": f"http://127.0.0.1:{self.sim}/_sim/zpay", "ZpayPid": PID,
                 "AllowedOrigins": "https://app.example.com", "DeletionProtection": "false", **parameters}
        self.run(SAM, "deploy", "--template-file", "template.yaml", "--stack-name", STACK, "--s3-bucket", BUCKET,
                 "--capabilities", "CAPABILITY_IAM", "--region", REGION, "--no-fail-on-empty-changeset", "--no-progressbar",
                 "--parameter-overrides", *(f"{name}={value}" for name, value in given.items()))
        stack, = self.aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return stack["StackStatus"]

    def ask(self, method, path, body=None, token=None, expected=200, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        host = urllib.parse.urlsplit(self.outputs["ApiEndpoint"]).netloc
        status, given, answer = call(self.port, method, path, body, headers, host)
        if expected and status != expected:
            raise SystemExit(f"{method} {path} answers {status}, not {expected}: {answer}")
        return (answer, given) if expected else (status, answer)


def packages(folder):
    """The template as it is, with packages of the binaries beside it."""
    shutil.copy(ROOT / "template.yaml", folder)
    made = [sys.executable, str(ROOT / ".ci/zips.py"), BINARIES, str(folder / "dist/functions")]
    subprocess.run(made, check=True, env={**os.environ, "ZIP_LEVEL": "1"})


def prepared(cloud):
    """What `guerdon setup` makes, and a bucket for the packages."""
    cloud.aws("s3").create_bucket(Bucket=BUCKET)
    cloud.aws("ses").verify_email_identity(EmailAddress="no-reply@example.com")
    for name, value in {"app-secret": secrets.token_urlsafe(32), "signing-key": __import__("base64").b64encode(os.urandom(32)).decode(),
                        "zpay-key": KEY}.items():
        cloud.aws("ssm").put_parameter(Name=f"/{STACK}/{name}", Value=value, Type="SecureString")


def admin(cloud):
    """The first admin, made by the operator's command line from the stack's outputs, who switches the programmes on."""
    outputs = cloud.outputs
    cloud.run(f"{BINARIES}/guerdon", "admin", "create", "boss@example.com", "--password-stdin", words=PASSWORD + "\n", environment={
        "TABLE_NAME": outputs["TableName"], "REWARD_QUEUE_URL": outputs["RewardQueueUrl"], "MAIL_QUEUE_URL": outputs["MailQueueUrl"],
        "STATISTICS_QUEUE_URL": outputs["StatisticsQueueUrl"], "APP_SECRET_PARAMETER": f"/{STACK}/app-secret",
        "PUBLIC_BASE_URL": outputs["ApiUrl"],
    })
    boss = cloud.ask("POST", "/v1/sessions", {"email": "boss@example.com", "password": PASSWORD})[0]["access_token"]

    def change(area, **fields):
        document, _ = cloud.ask("GET", f"/v1/admin/settings/{area}", token=boss)
        cloud.ask("PUT", f"/v1/admin/settings/{area}", {**document["settings"], **fields}, token=boss, If_Match=f'"{document["version"]}"')

    change("payment", enabled=True)
    change("promotion", enabled=True)
    rewards = cloud.ask("GET", "/v1/admin/settings/referral", token=boss)[0]["settings"]["qualified"]
    change("referral", enabled=True, qualified={**rewards, "inviter_reward": "3"})
    return boss


def signed(fields):
    """A notification as the gateway's documentation has it: MD5 over the sorted fields and the key."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value) + KEY
    return urllib.parse.urlencode({**fields, "sign": hashlib.md5(text.encode()).hexdigest(), "sign_type": "MD5"})


def paid(cloud, token, key):
    """An order, paid at the simulated gateway, which tells it twice."""
    order, _ = cloud.ask("POST", "/v1/payment/orders", {"offer_id": "o100", "provider": "zpay"}, token=token, expected=201, Idempotency_Key=key)
    pay = urllib.parse.urlsplit(order["pay_url"])
    assert pay.netloc == f"127.0.0.1:{cloud.sim}", order
    assert call(cloud.sim, "GET", f"{pay.path}?{pay.query}")[0] == 200
    done = call(cloud.sim, "POST", "/_sim/pay", {"provider": "zpay", "order_id": order["id"], "action": "pay", "notify": "never"})
    assert done[0] == 200, done
    money = urllib.parse.parse_qs(pay.query)["money"][0]
    told = signed({"pid": PID, "trade_no": done[2]["payments"][0].get("trade_no") or done[2]["payments"][0].get("id"),
                   "out_trade_no": order["id"], "type": "alipay", "name": "Top-up", "money": money, "trade_status": "TRADE_SUCCESS"})
    forged = told.replace("sign=", "sign=0")
    assert cloud.ask("GET", f"/v1/webhooks/zpay?{forged}")[0] == "fail"
    for _ in range(2):
        assert cloud.ask("GET", f"/v1/webhooks/zpay?{told}")[0] == "success"
    return order["id"]


def journey(cloud, boss):
    """From a visitor to a redeemed code; the balance is right at each step."""
    def register(name, **more):
        made, _ = cloud.ask("POST", "/v1/registrations", {"email": f"{name}@example.com", "password": PASSWORD, **more}, expected=201)
        return made["session"]["access_token"]

    def balance(token):
        return cloud.ask("GET", "/v1/me", token=token)[0]["balance"]["amount"]

    ann = register("ann")
    code = cloud.ask("GET", "/v1/referral", token=ann)[0]["code"]
    assert cloud.ask("GET", f"/v1/referral-codes/{code}")[0]["valid"] is True
    bob = register("bob", referral_code=code)
    cloud.say("two people signed up, one with the other's code")
    order = paid(cloud, bob, "first")
    assert balance(bob) == "18.05555554", balance(bob)
    cloud.say("an order was paid and notified twice: credited once, with the bonus")
    rewards = lambda: cloud.ask("GET", "/v1/referral/rewards", token=ann)[0]["items"]  # noqa: E731
    until("the reward came through the queue", lambda: rewards() and balance(ann) == "3")
    cloud.say("the inviter has the reward")
    batch = cloud.ask("POST", "/v1/admin/redemption/batches", {"label": "drill", "count": 1, "credit": "5", "total_uses": 1},
                      token=boss, expected=201, Idempotency_Key="batch")[0]
    redeemed = {"code": batch["codes"][0]}
    cloud.ask("POST", "/v1/redemptions", redeemed, token=ann, expected=201, Idempotency_Key="redeem")
    assert cloud.ask("POST", "/v1/redemptions", redeemed, token=bob, expected=None, Idempotency_Key="redeem")[0] == 409
    assert balance(ann) == "8", balance(ann)
    cloud.say("a code was redeemed, once")
    cloud.ask("POST", f"/v1/admin/payment/orders/{order}/refunds", {"reason": "the drill"}, token=boss, expected=201, Idempotency_Key="refund")
    until("the refund took the money back", lambda: balance(bob) == "0" and balance(ann) == "5")
    cloud.say("the order was refunded: what it earned is gone, for both")
    return ann, bob


def verifying(cloud, boss):
    """Sign-ups are to wait for the code in their mail, once functions start anew."""
    document, _ = cloud.ask("GET", "/v1/admin/settings/identity", token=boss)
    cloud.ask("PUT", "/v1/admin/settings/identity", {**document["settings"], "email_verification": True}, token=boss,
              If_Match=f'"{document["version"]}"')


def mailed(cloud):
    """A sign-up with its mail."""
    made, _ = cloud.ask("POST", "/v1/registrations", {"email": "eve@example.com", "password": PASSWORD}, expected=201)
    assert made["user"]["status"] == "pending" and not made.get("session"), made
    mail = until("the mail is at SES", lambda: next((mail for mail in mails(cloud) if "eve@example.com" in mail["To"]), None))
    assert "no-reply@example.com" in json.dumps(mail), mail
    cloud.say("a mail with a code was sent through SES")


def mails(cloud):
    accounts = call(cloud.port, "GET", "/_ministack/ses/messages")[2]["messages"]
    return [mail for mails in accounts.values() for mail in mails]


def ticked(cloud):
    """The schedules are there, and the sweeper has ticked."""
    names = {one["Name"] for one in cloud.aws("scheduler").list_schedules()["Schedules"]}
    assert len(names) == 8 and all(name.startswith(f"{STACK}-") for name in names), names
    logs, group = cloud.aws("logs"), function_log(cloud, "Scheduler")
    until("a schedule ticks", lambda: any("OutboxAge" in event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]), 150)
    cloud.say("the eight schedules are there and the sweeper ticks")


def resources(cloud):
    pages = cloud.aws("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for page in pages for one in page["StackResourceSummaries"]}


def function_log(cloud, name):
    return resources(cloud)[f"{name}Logs"]


def updated(cloud):
    """A changed function, and another generation of all: data and accounts stay."""
    package = cloud.folder / "dist/functions/referral.zip"
    with zipfile.ZipFile(package, "a") as changed:
        changed.writestr("note", "another version")
    code = lambda: cloud.aws("lambda").get_function(FunctionName=resources(cloud)["ReferralFunction"])["Configuration"]["CodeSha256"]  # noqa: E731
    before = code()
    assert cloud.deploy(LogRetentionDays="7", Generation="2") == "UPDATE_COMPLETE"
    assert before != code()
    boss = cloud.ask("POST", "/v1/sessions", {"email": "boss@example.com", "password": PASSWORD})[0]["access_token"]
    assert cloud.ask("GET", "/v1/referral", token=boss)[0]["code"]
    cloud.say("updated: a changed function and other parameters; people sign in as before")


def routed(cloud):
    """What the gateway leaves to the routers: 404, 405, and pages of other origins."""
    assert cloud.ask("GET", "/v1/nothing", expected=None)[0] == 404
    assert cloud.ask("GET", "/v1/admin/nothing", expected=None)[0] == 404
    assert cloud.ask("PUT", "/v1/redemptions", {}, expected=None)[0] == 405
    assert cloud.ask("GET", "/v1/registrations", expected=None)[0] == 405
    assert cloud.ask("GET", "/v1/admin/users", expected=None)[0] == 401
    cloud.say("404, 405 and 401 are problems of the routers")


def restored(cloud, ann):
    """The same data in another table, and the stack on that table."""
    dynamo, own = cloud.aws("dynamodb"), cloud.outputs["TableName"]
    described = dynamo.describe_table(TableName=own)["Table"]
    keys = ("AttributeDefinitions", "KeySchema")
    indexes = [{name: index[name] for name in ("IndexName", "KeySchema", "Projection")} for index in described["GlobalSecondaryIndexes"]]
    dynamo.create_table(TableName="restored", BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=indexes, **{key: described[key] for key in keys})
    count = 0
    for page in dynamo.get_paginator("scan").paginate(TableName=own):
        for item in page["Items"]:
            dynamo.put_item(TableName="restored", Item=item)
            count += 1
    assert cloud.deploy(TableName="restored", Generation="3") == "UPDATE_COMPLETE"
    assert cloud.outputs["TableName"] == "restored"
    assert cloud.ask("GET", "/v1/me", token=ann)[0]["balance"]["amount"] == "5"
    assert own in dynamo.list_tables()["TableNames"], "the table of before stays"
    cloud.say(f"{count} items in another table, and the stack on it; the table of before stays")


def taken_down(cloud):
    formation = cloud.aws("cloudformation")
    formation.delete_stack(StackName=STACK)

    def gone():
        try:
            status = formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        except formation.exceptions.ClientError:
            return True
        assert status != "DELETE_FAILED", formation.describe_stack_events(StackName=STACK)["StackEvents"][:5]
        return status == "DELETE_COMPLETE"
    until("the stack is gone", gone)
    assert not cloud.aws("lambda").list_functions()["Functions"]
    assert len(cloud.aws("sqs").list_queues().get("QueueUrls", [])) == 6, "queues with messages in them stay"
    cloud.say("taken down: tables, queues and secrets stay")


def main():
    folder = Path(tempfile.mkdtemp(prefix="guerdon-drill-"))
    cloud = Cloud(folder)
    try:
        packages(folder)
        cloud.say("packages are made")
        cloud.start("ministack", [MINISTACK], lambda: call(cloud.port, "GET", "/_ministack/health")[0] == 200)
        local = [f"{BINARIES}/guerdon-local", "--port", str(cloud.sim), "--data", str(folder / "sim")]
        cloud.start("gateway", local, lambda: call(cloud.sim, "GET", "/v1/health")[0] == 200)
        prepared(cloud)
        cloud.say("MiniStack and the simulated gateway run; secrets are stored")
        assert cloud.deploy() == "CREATE_COMPLETE"
        cloud.say(f"deployed: {cloud.outputs['ApiEndpoint']}")
        boss = admin(cloud)
        cloud.say("the first admin switched payment, promotion and referral on")
        # A setting is seen within a minute, and at once by what starts anew.
        updated(cloud)
        ann, _ = journey(cloud, boss)
        routed(cloud)
        ticked(cloud)
        verifying(cloud, boss)
        restored(cloud, ann)
        mailed(cloud)
        taken_down(cloud)
    except BaseException:
        for log in folder.glob("*.log"):
            print(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-40:]))
        raise
    finally:
        cloud.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
