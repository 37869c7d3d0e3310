"""The template as it is, on somebody else's AWS: deployed by the commands of infra/README.md, used, updated and taken down.

    drill.py TOOLS SAM BINARIES

TOOLS is a folder with `ministack` and `aws`, SAM the one with `sam`; BINARIES has the built functions, `guerdon` and `guerdon-local`,
whose simulated gateway takes the payments. README.md, beside this file, lists what MiniStack can't show.
"""

import ctypes
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
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
TOOLS, SAM, BINARIES = (os.path.abspath(word) for word in sys.argv[1:])
STACK, OTHER, REGION = "guerdon", "staging", "us-east-1"
ARCHITECTURE = "x86_64" if os.uname().machine == "x86_64" else "arm64"
PASSWORD = "correct horse battery"
# What the simulated gateway of the local stack knows as its merchant.
PID, KEY = "1000", "local-zpay-key-0123456789"
PATIENCE = 60
# linux/prctl.h: a signal for the child when its parent is gone.
PR_SET_PDEATHSIG = 1


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
            "PATH": f"{BINARIES}:{TOOLS}:{SAM}:{os.environ['PATH']}", "ZPAY_KEY": KEY,
        }
        self.processes, self.outputs, self.begun = [], {}, time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.begun:6.1f} s  {text}", flush=True)

    def start(self, name, command, ready, environment=None):
        log = open(self.folder / f"{name}.log", "wb")
        # Whatever ends the drill ends what it started.
        process = subprocess.Popen(command, env=environment or self.environment, stdout=log, stderr=log, cwd=self.folder,
                                   preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
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

    def readme(self, name, **variables):
        """Runs the commands that infra/README.md has behind this mark, as they stand there."""
        text = (ROOT / "infra/README.md").read_text().split(f"<!-- {name} -->\n```sh\n")[1].split("```")[0]
        return self.run("bash", "-euo", "pipefail", "-c", text, environment=variables)

    def deploy(self, stack=STACK, **parameters):
        """Sets parameters and deploys, as an update is made."""
        self.run("guerdon", "--stack", stack, "setup", *(f"{name}={value}" for name, value in parameters.items()))
        self.run("guerdon", "--stack", stack, "deploy")
        return self.described(stack)

    def described(self, stack=STACK):
        described, = self.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        if stack == STACK:
            self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        return described["StackStatus"]

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
    """The template as it is, and a folder with packages of the binaries, as a release has them."""
    shutil.copy(ROOT / "template.yaml", folder)
    made = [sys.executable, str(ROOT / ".ci/zips.py"), BINARIES, str(folder / "dist" / ARCHITECTURE)]
    subprocess.run(made, check=True, env={**os.environ, "ZIP_LEVEL": "1"})


def deployed(cloud):
    """From nothing to a paid order by the commands of the manual; what is its own here are parameters only."""
    cloud.aws("ses").verify_email_identity(EmailAddress="no-reply@example.com")
    cloud.run("guerdon", "setup", "MailFrom=no-reply@example.com", f"Architecture={ARCHITECTURE}",
              f"ZpayApiUrl=http://127.0.0.1:{cloud.sim}/_sim/zpay", f"ZpayPid={PID}", "DeletionProtection=false")
    said = cloud.readme("deployment", PACKAGES=f"dist/{ARCHITECTURE}", OPERATOR="boss@example.com", GUERDON_NEW_PASSWORD=PASSWORD)
    assert cloud.described() == "CREATE_COMPLETE"
    offered = cloud.ask("GET", "/v1/settings/public")[0]["payment"]["providers"]
    assert offered == ["zpay"], f"the one whose secret is stored, not {offered}"
    cloud.say(f"deployed and tried: {cloud.outputs['ApiEndpoint']}")
    for check in ("cors", "sign-up", "order", "queue", "mail", "books"):
        assert re.search(rf"^OK +{check} ", said, re.M), f"{check} is not OK in\n{said}"
    # Every step can be repeated, in a shell that knows the password and no more.
    again = cloud.readme("deployment", PACKAGES=f"dist/{ARCHITECTURE}", OPERATOR="boss@example.com", GUERDON_ADMIN_PASSWORD=PASSWORD)
    assert "is an admin already" in again, again
    assert not re.search(r"^FAIL ", again, re.M), again
    cloud.say("the same commands again changed nothing, and ended")
    operator = {"GUERDON_STACK": STACK, "GUERDON_ADMIN_EMAIL": "boss@example.com", "GUERDON_ADMIN_PASSWORD": PASSWORD}
    url = cloud.readme("first-order", PROVIDER="zpay", **operator).splitlines()[-1]
    order = pay(cloud, url)
    assert order in cloud.readme("paid-order", **operator)
    cloud.say("the commands of the manual ended with a paid order")
    return operator


def operate(cloud, operator):
    """The operator's commands, and the token of an admin."""
    for command in ("settings set promotion enabled=true", "settings set referral enabled=true qualified.inviter_reward=3", "audit", "verify",
                    "dlq list", "orders list", "users list"):
        cloud.run("guerdon", *command.split(" "), environment=operator)
    status = cloud.run("guerdon", "status", environment=operator)
    assert "OK       stack" in status and "OK       reviews" in status, status
    return cloud.ask("POST", "/v1/sessions", {"email": "boss@example.com", "password": PASSWORD})[0]["access_token"]


def signed(fields):
    """A notification as the gateway's documentation has it: MD5 over the sorted fields and the key."""
    text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()) if value) + KEY
    return urllib.parse.urlencode({**fields, "sign": hashlib.md5(text.encode()).hexdigest(), "sign_type": "MD5"})


def pay(cloud, url):
    """An order is paid at the simulated gateway, which tells it twice; before, somebody forges it."""
    page = urllib.parse.urlsplit(url)
    assert page.netloc == f"127.0.0.1:{cloud.sim}", url
    asked = urllib.parse.parse_qs(page.query)
    order, money = asked["out_trade_no"][0], asked["money"][0]
    assert call(cloud.sim, "GET", f"{page.path}?{page.query}")[0] == 200
    done = call(cloud.sim, "POST", "/_sim/pay", {"provider": "zpay", "order_id": order, "action": "pay", "notify": "never"})
    assert done[0] == 200, done
    told = signed({"pid": PID, "trade_no": done[2]["payments"][0].get("trade_no") or done[2]["payments"][0].get("id"),
                   "out_trade_no": order, "type": "alipay", "name": "Top-up", "money": money, "trade_status": "TRADE_SUCCESS"})
    forged = told.replace("sign=", "sign=0")
    assert cloud.ask("GET", f"/v1/webhooks/zpay?{forged}")[0] == "fail"
    for _ in range(2):
        assert cloud.ask("GET", f"/v1/webhooks/zpay?{told}")[0] == "success"
    return order


def paid(cloud, token, key):
    order, _ = cloud.ask("POST", "/v1/payment/orders", {"offer_id": "o100", "provider": "zpay"}, token=token, expected=201, Idempotency_Key=key)
    assert pay(cloud, order["pay_url"]) == order["id"]
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
    assert made["status"] == "pending" and not made.get("session"), made
    mail = until("the mail is at SES", lambda: next((mail for mail in mails(cloud) if "eve@example.com" in mail["To"]), None))
    assert "no-reply@example.com" in json.dumps(mail), mail
    cloud.say("a mail with a code was sent through SES")


def mails(cloud):
    accounts = call(cloud.port, "GET", "/_ministack/ses/messages")[2]["messages"]
    return [mail for mails in accounts.values() for mail in mails]


def ticked(cloud):
    """The schedules of the template are there, and the sweeper has ticked."""
    names = {one["Name"] for one in cloud.aws("scheduler").list_schedules()["Schedules"]}
    expected = re.findall(r'Name: !Sub "\$\{AWS::StackName\}-([a-z-]+)"', (ROOT / "template.yaml").read_text())
    assert expected and {f"{STACK}-{name}" for name in expected} <= names, names
    logs, group = cloud.aws("logs"), function_log(cloud, "Scheduler")
    until("a schedule ticks", lambda: any("OutboxAge" in event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]), 150)
    cloud.say(f"the {len(expected)} schedules are there and the sweeper ticks")


def alarmed(cloud, boss):
    """The rule for alarms has the scheduler as its target, which takes AWS's documented event of one of the stack's alarms."""
    alarm = resources(cloud)["ReviewsOpened"]
    event = json.loads((ROOT / "tests/fixtures/aws/alarm-state-change.json").read_text())
    pattern, target = ruled(cloud, event)
    assert pattern["detail"]["alarmName"] == [{"prefix": f"{STACK}-"}] and alarm.startswith(f"{STACK}-"), (pattern, alarm)
    assert cloud.ask("GET", "/v1/admin/waiting", token=boss)[0]["alarms"] == []
    event["detail"]["alarmName"] = alarm
    tell(cloud, target, event)
    standing = cloud.ask("GET", "/v1/admin/waiting", token=boss)[0]["alarms"]
    assert [one["name"] for one in standing] == ["ReviewsOpened"], standing
    cloud.say("the rule for alarms leads to the scheduler, and an alarm stands")


def ruled(cloud, event):
    """Pattern and target of the stack's rule for events of this source and kind."""
    events = cloud.aws("events")
    named = [rule for rule in events.list_rules()["Rules"] if rule["Name"].startswith(f"{STACK}-SchedulerFunction")]
    patterns = {rule["Name"]: json.loads(rule["EventPattern"]) for rule in named}
    found = [name for name, one in patterns.items() if event["source"] in one["source"] and event["detail-type"] in one["detail-type"]]
    assert len(found) == 1, patterns
    targets = events.list_targets_by_rule(Rule=found[0])["Targets"]
    assert len(targets) == 1 and targets[0]["DeadLetterConfig"]["Arn"], targets
    return patterns[found[0]], targets[0]["Arn"]


def tell(cloud, target, event):
    """Gives a function an event as its rule would."""
    told = cloud.aws("lambda").invoke(FunctionName=target, Payload=json.dumps(event))
    answer = told["Payload"].read()
    assert "FunctionError" not in told, answer


def bounced(cloud, token):
    """A payment was told by mail; the mail bounces, and its user gets no more of them."""
    me, _ = cloud.ask("GET", "/v1/me", token=token)
    mail = until("the payment is told", lambda: next(
        (mail for mail in mails(cloud) if me["email"] in mail["To"] and "Your payment has arrived" in json.dumps(mail)), None))
    assert "no-reply@example.com" in json.dumps(mail), mail
    text = (ROOT / "tests/fixtures/aws/ses-email-bounced.json").read_text()
    event = json.loads(text.replace("recipient@example.com", me["email"]).replace("usr_recipient", me["id"]))
    pattern, target = ruled(cloud, event)
    assert pattern["detail"]["mail"]["tags"]["ses:configuration-set"] == [resources(cloud)["MailFeedback"]], pattern
    assert cloud.ask("GET", "/v1/me/mails", token=token)[0]["stopped"] is None
    tell(cloud, target, event)
    assert cloud.ask("GET", "/v1/me/mails", token=token)[0]["stopped"]["because"] == "bounced"
    cloud.say("a payment was told by mail, and a bounce stopped the next ones")


def resources(cloud, stack=STACK):
    pages = cloud.aws("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for page in pages for one in page["StackResourceSummaries"]}


def function_log(cloud, name):
    return resources(cloud)[f"{name}Logs"]


def updated(cloud):
    """A changed function, and another generation of all: data and accounts stay."""
    package = cloud.folder / "dist/functions/referral.zip"  # where `guerdon deploy` put it
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


def beside(cloud):
    """Another stack in the same account: nothing has the name of the first's, and it goes without a trace in the first."""
    pages = cloud.aws("ssm").get_paginator("describe_parameters")
    secrets = lambda: {one["Name"] for page in pages.paginate() for one in page["Parameters"]}  # noqa: E731
    before = secrets()
    cloud.run("guerdon", "--stack", OTHER, "setup", "MailFrom=no-reply@example.com", f"Architecture={ARCHITECTURE}", "DeletionProtection=false")
    made = secrets() - before
    assert made and all(name.startswith(f"/{OTHER}/") for name in made), made
    assert cloud.deploy(OTHER) == "CREATE_COMPLETE"
    one, other = resources(cloud), resources(cloud, OTHER)
    assert other.keys() - one.keys() <= {"Table"}, "the first uses a restored table"
    # A stage is called $default within its own API.
    shared = {name for name in other if other[name] == one.get(name)} - {"ApiStage"}
    assert not shared, shared
    alarms = cloud.aws("cloudwatch").describe_alarms()["MetricAlarms"]
    series = {}
    for alarm in alarms:
        key = json.dumps([alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions")], sort_keys=True)
        series.setdefault(key, set()).add(alarm["AlarmName"])
    assert alarms and all(len(names) == 1 for names in series.values()), {key: names for key, names in series.items() if len(names) > 1}
    cloud.say("a second stack in the account shares no resource, secret, alarm or metric with the first")
    torn(cloud, OTHER)
    assert resources(cloud) == one
    cloud.say("the second stack is gone, the first is as it was")


def torn(cloud, stack):
    said = cloud.run("guerdon", "--stack", stack, "teardown", "--yes")
    try:
        status = cloud.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except cloud.aws("cloudformation").exceptions.ClientError:
        status = "DELETE_COMPLETE"
    assert status == "DELETE_COMPLETE", status
    return said


def taken_down(cloud):
    queues = len(cloud.aws("sqs").list_queues().get("QueueUrls", []))
    said = torn(cloud, STACK)
    assert not cloud.aws("lambda").list_functions()["Functions"]
    kept = [url for url in cloud.aws("sqs").list_queues().get("QueueUrls", []) if f"/{STACK}-" in url]
    assert len(kept) == 6, f"queues with messages in them stay: {kept} of {queues}"
    assert cloud.outputs["TableName"] in said and all(url.rsplit("/", 1)[1] in said for url in kept), said
    assert {"restored"} < set(cloud.aws("dynamodb").list_tables()["TableNames"]), "tables stay"
    cloud.say("taken down: tables, queues and secrets stay, and the command names them")


def forgotten():
    """Folders of drills that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("guerdon-drill-*-*"):
        pid = folder.name.split("-")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    forgotten()
    folder = Path(tempfile.mkdtemp(prefix=f"guerdon-drill-{os.getpid()}-"))
    cloud = Cloud(folder)
    try:
        packages(folder)
        cloud.say("packages are made")
        cloud.start("ministack", [f"{TOOLS}/ministack"], lambda: call(cloud.port, "GET", "/_ministack/health")[0] == 200)
        local = [f"{BINARIES}/guerdon-local", "--port", str(cloud.sim), "--data", str(folder / "sim")]
        cloud.start("gateway", local, lambda: call(cloud.sim, "GET", "/v1/health")[0] == 200)
        cloud.say("MiniStack and the simulated gateway run")
        operator = deployed(cloud)
        boss = operate(cloud, operator)
        # A setting is seen within a minute, and at once by what starts anew.
        updated(cloud)
        ann, bob = journey(cloud, boss)
        routed(cloud)
        ticked(cloud)
        alarmed(cloud, boss)
        bounced(cloud, bob)
        verifying(cloud, boss)
        restored(cloud, ann)
        mailed(cloud)
        beside(cloud)
        taken_down(cloud)
    except BaseException:
        for log in folder.glob("*.log"):
            print(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-40:]))
        raise
    finally:
        cloud.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
