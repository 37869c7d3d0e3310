# Texts of the pages about keys, webhooks and programmes in English. `system.zh-CN.ftl` has the same keys and arguments in the same order.

keys-lead = Keys with which your backend calls the API. A key is shown once.
keys-none = No keys yet
keys-none-todo = Make one for each of your systems.
key-name = Name
key-name-hint = 1 to 60 characters; records name it as service:name
key-scopes = Scopes
key-state-active = Active
key-state-revoked = Revoked
key-made-by = Made by
key-revoked-at = Revoked
key-make = Make a key
key-make-do = Make the key
key-made = The key is made.
key-shown = Your key
key-shown-once = Copy it now; it is not shown again.
key-was-shown = It was shown once. If it is lost, revoke it and make another.
key-revoke = Revoke
key-revoke-of = Revoke { $name }
key-revoke-effect = Every call with this key is refused from now on. It can’t be used again.
key-revoke-do = Revoke the key
key-revoked = The key is revoked.
key-scope-users-write = Register users
key-scope-users-read = See users
key-scope-sessions-create = Open sessions for users
key-scope-ledger-write = Debit and credit balances
key-scope-purchases-write = Report purchases
key-scope-withdrawals-settle = Report what became of payouts
field-scopes = Choose at least one
field-key-name = Enter 1 to 60 characters on one line

hooks-lead = Addresses of your product that hear of what happens here.
hooks-lead-chat = One line of text per event, for a group of your staff: payments to look at, failed rewards, alarms.
hooks-none = No webhooks yet
hooks-none-todo = Make one; its secret is shown once.
hook = Webhook
hook-url = URL
hook-url-hint = https, on a public address
hook-events = Events
hook-events-hint = A group with * includes events that are added to it later.
hook-make = Make a webhook
hook-make-do = Make the webhook
hook-made = The webhook is made.
hook-format = Format
hook-format-signed = Signed (Standard Webhooks)
hook-format-slack = Slack
hook-format-discord = Discord
hook-format-feishu = Feishu or Lark
hook-format-dingtalk = DingTalk
hook-format-wecom = WeCom
hook-chat-make = Make a webhook to a chat
hook-chat-make-do = Make the chat’s webhook
hook-chat-choose = To a chat
hook-signed-choose = To your product
hook-chat-url-hint = As the chat shows it for an incoming webhook or bot. It is a secret, and is not shown again.
hook-chat-url-keep = Only its beginning is shown. Leave it empty to keep it.
hook-secret = Signing secret
hook-secret-was-shown = It was shown once. If it is lost, rotate it.
hook-on = Enabled
hook-off-by-admin = Switched off
hook-off-failing = Off: it failed for five days
hook-off-gone = Off: it answered 410
hook-failing = Failing since
hook-change = Change
hook-save = Save
hook-saved = The webhook is saved.
hook-rotate = Rotate the secret
hook-rotate-hint = A new secret is shown once; the old one also signs for a day.
hook-rotated = The secret is rotated.
hook-enable = Enable
hook-disable = Switch off
hook-was-enabled = The webhook is enabled.
hook-was-disabled = The webhook is switched off.
hook-delete = Delete
hook-delete-of = Delete the webhook
hook-delete-effect = Its deliveries stop, and its log is gone. It can’t be undone.
hook-deleted = The webhook is deleted.
hook-deliveries = Deliveries
hook-deliveries-note = Of thirty days, newest first
hook-no-deliveries = Nothing was delivered yet
hook-no-deliveries-todo = The next event that it wants will stand here.
hook-event = Event
hook-tries = Tries
hook-answer = Answer
hook-next = Next try
hook-replay = Replay
hook-replayed = It is sent again within a minute.
delivery-pending = Under way
delivery-delivered = Delivered
delivery-failed = Failed
field-hook-url = Enter an https address on the internet; private addresses are refused
field-hook-events = Choose at least one event

bonds-lead = Who invited whom, newest first.
bonds-none = No referral fits
bonds-none-todo = Reset the filter, or look at other days.
bond-invitee = Friend
bond-inviter = Inviter
bond-inviter-id = Inviter’s id
bond-code = Code
bond-paid = Paid online
bond-state-registered = Registered
bond-state-qualified = Qualified
bonds-invited = Friends on this page
bonds-qualified = Of them qualified
prizes-lead = Rewards of the referral programme, newest first.
prizes-none = No reward fits
prizes-none-todo = Reset the filter, or look at other days.
prize = Reward
prize-for = For
prize-retry = Retry
prize-retried = The reward is tried again.
prizes-sum = Sum on this page
shares-lead = Commissions of inviters, newest first.
shares-none = No commission fits
shares-none-todo = Reset the filter, or look at other days.
share-order = Order
shares-left = Left on this page
share-reverse = Reverse
share-reverse-of = Reverse the commission of { $amount }
share-reverse-do = Reverse the commission
share-reversed = The commission is reversed.
share-release = Release
share-release-of = Release the commission of { $amount }
share-release-do = Release the commission
share-released = The commission is released.
share-release-effect = It exceeded the month's budget, or was held for a case of risk. It is taken from the current month's budget, and can be withdrawn once its hold time is over.
share-not-held = It waits for neither a budget nor a case.
hold-blocked = Whoever gets it is blocked
hold-budget = Exceeds the budget
hold-risk = Signals of abuse
staff-risk = Risk
cases-lead = What sign-ups of one inviter’s tree have in common. A held case holds the rewards and commissions of that referral until you decide; a flagged one delays nothing.
cases-none = No signals were found
cases-none-todo = Signals are compared when somebody who was invited signs up. The settings of risk say what each does.
case-found = Found
case-flagged = Flagged
case-held = Held
case-released = Released
case-rejected = Rejected
evidence-same-mailbox = The same mailbox as
evidence-same-network = The same network as
evidence-same-device = The same device as
evidence-same-payout = The same payout account as
evidence-same-instrument = The same card or account as
evidence-disposable-mailbox = A mailbox to throw away
case-release = Release
case-reject = Reject
case-release-title = Release what is held
case-reject-title = Reject what is held
case-release-effect = Rewards and commissions are granted from the current month’s budget, and later ones of this referral are not held.
case-reject-effect = Rewards are never granted, commissions are reversed, and so are later ones of this referral. What was granted before stays.
case-not-held = Nothing is held for it any more.
case-was-released = What was held is released.
case-was-rejected = What was held is rejected.
cases-release = { $number ->
    [one] Release { $number } case
   *[other] Release { $number } cases
}
cases-reject = { $number ->
    [one] Reject { $number } case
   *[other] Reject { $number } cases
}
budget-month = Budget of this month
budget-whole = Budget
budget-spent = Granted
budget-left = Left
refused-not-held = It is not held any more.
refused-budget-exceeded = The budget of this month has no room for it. Raise the budget first.
share-reverse-effect = It is taken back for good, whatever happens to the order. What was withdrawn of it becomes debt, which later commission pays.
share-available-now = Available now
share-pending-now = Pending now
share-taken = Taken back
share-already = Nothing is left of this commission.
share-posted = By hand
share-post = Post a commission
share-post-of = Commission for { $name }
share-post-amount = Amount in { $currency }
share-post-amount-hint = Held like any other; negative takes back at once, say -5
share-post-order = Order or purchase
share-post-order-hint = May be left out
share-post-effect = What is above zero can be withdrawn after the hold time and counts in the month’s budget. What is below zero is taken from what is available; the rest becomes debt, which later commission pays.
share-was-posted = The commission is posted.
together-none = Select 1 to { $most } rows that are still open.
together-sum = In all
together-pay = { $number ->
    [one] Pay { $number } withdrawal
   *[other] Pay { $number } withdrawals
}
together-pay-effect = Each is marked as paid, with this one reference.
together-reject = { $number ->
    [one] Reject { $number } withdrawal
   *[other] Reject { $number } withdrawals
}
together-reject-effect = Each amount becomes available again. Each user is told the reason.
together-release = { $number ->
    [one] Release { $number } commission
   *[other] Release { $number } commissions
}
together-reverse = { $number ->
    [one] Reverse { $number } commission
   *[other] Reverse { $number } commissions
}
together-done = Done: { $done }.
together-some = Done: { $done }. Not done: { $refused }, of them { $named }.
refused-reward-not-failed = Only a failed or held reward can be retried. Look at its state.

# The page of parts, of the local stack.
parts-title = The parts of pages
parts-lead = Each part in every state. The local stack serves this page; nothing that is deployed does.
parts-figures = Figures
parts-values = Values
parts-states = States
parts-fields = Fields
parts-wrong = Fields of a refused form
parts-list = A list
parts-charts = Charts
parts-buttons = Buttons
parts-told = What happened
parts-sharing = Sharing
parts-progress = Codes made
