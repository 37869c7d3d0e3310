# Texts of the console in English. `zh-CN.ftl` has the same keys and arguments; a build with a missing one fails.
#
# Glossary: commission 佣金, referral 邀请, withdrawal 提现, redemption code 兑换码, grant 授权, top-up 充值, bonus 赠送,
# review 待审款项. Second person, short, no exclamation marks, no blame; buttons are verbs.

skip = Skip to the content
test-mode = Test mode: no money moves
main-menu = Main
menu = Menu
account-of = Account of { $email }
sign-out = Sign out
nav-home = Overview
nav-records = Records
balance = Balance
theme-choice = Theme: { $name }
theme-system = As the device
theme-light = Light
theme-dark = Dark
error-title = Error: { $title }
problem = There is a problem
error-mark = Error:

sign-in = Sign in
sign-in-new = New here?
link-over = This link has been used or is older than a minute. Go back to where you found it and try again, or sign in here.
no-cookies = Your password is right, but this browser keeps no cookies here. Allow cookies, and open this site by HTTPS.
create-account = Create your account
create-account-link = Create an account
create-account-do = Create account
have-account = Already have one?
email = E-mail
password = Password
password-length = 10 to 128 characters
show = Show
invite-code = Invite code
optional = (optional)
invited-with = You were invited with code { $code }.
yours-sign-up = { $amount } is yours as soon as you have signed up.
yours-qualify = { $amount } is yours after you have paid { $threshold } in all.
code-fine = This code is in use.
code-unknown = This code is not in use. Check it; you can sign up without one, too.
verify = Check your e-mail
verify-intro-to = We sent a code of six digits to { $email }. It is good for 15 minutes.
verify-intro = We sent a code of six digits. It is good for 15 minutes.
code = Code
verify-do = Confirm
resend = Send again
resent = A new code is on its way.
resend-none = No e-mail?

home = Overview
home-lead = What you have, and what moved it.
welcome = Your account is ready.
welcome-invited = Your account is ready. Your inviter’s code was applied.
welcome-reward = Your account is ready. { $amount } { $currency } were credited for the invitation.
not-applied-unknown = There is no such invite code; your account is ready without it.
not-applied-inactive = The invite code is not in use any more; your account is ready without it.
not-applied-own = This is your own invite code; your account is ready without it.
not-applied-limit = Your inviter has all the friends they may have; your account is ready without the code.
not-applied-inviter-blocked = Your inviter’s account is not active; your account is ready without the code.
not-applied-programme-off = Invitations are switched off; your account is ready without the code.
debt = Debt
debt-paid-by = Paid by your next credit
last-records = Latest records
all-records = All records
no-records = No records yet
no-records-todo = Each movement of your balance will stand here.

records = Records
records-lead = Each movement of your account, newest first. Every digit counts.
account = Account
account-balance = Balance
account-commission = Commission
time = Time
kind = Type
remark = Remark
amount = Amount
before = Before
after = After
older = Older
first-page = First page
look-further = Nothing on this page; look further.
filter = Filter
from-day = From (UTC)
to-day = To (UTC)
see-order = Order
reset = Reset
all-kinds = All
nothing-fits = No record fits the filter.
kind-payment = Top-up
kind-promotion = Bonus
kind-referral = Referral reward
kind-commission = Commission
kind-redeem = Redemption code
kind-admin = Adjustment
kind-deduct = Use
kind-refund = Refund
kind-withdrawal = Withdrawal
kind-debt = Debt

not-found = There is no such page
not-found-todo = Check the address, or begin at the overview.
unavailable = We could not read this; nothing was changed
try-again = Try again
request-id = Request { $id }

refused-bad-credentials = E-mail or password are not right. Check both and try again.
refused-account-blocked = This account is blocked. Ask support.
refused-email-taken = This e-mail has an account. Sign in instead, or use another address.
refused-rate-limited = Too many tries. Try again in { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
}.
refused-idempotency-key-reused = This form was sent before. Look at the result first, then send it again if you want to.
refused-outcome-unknown = We don’t know whether it happened. Press again to learn it; it will happen once.
refused-unavailable = That could not be done; nothing was changed. Try again.
refused-invalid = Check the fields that are named.
refused-other = That was not possible ({ $code }).
field-not-an-email = Enter an e-mail address, such as name@example.com
field-password-length = Choose a password of 10 to 128 characters
field-wrong-code = The code is not right, or not good any more. Check it or ask for a new one
field-other = Check what you entered

# Top-up, orders and what providers say.
nav-top-up = Top up
nav-orders = Orders
top-up = Top up
top-up-lead = Pay in { $pay }, spend in { $spend }. Every digit is credited.
top-up-off = Top-ups are switched off
top-up-off-todo = Nothing can be paid now. What you have stays yours; come back later.
top-up-no-way = No way to pay is set up now. Come back later, or ask support.
promo-first = New-user bonus: { $percent } % on your first top-up
promo-ends = This step ends in { $left }
percent = { $number } %
promo-steps = Steps of the bonus
promo-until = to { $hours } h
promo-once = Used once, on the first order that is paid. What counts is when you place the order, if you pay before it expires.
promo-once-min = Used once, on the first order of at least { $amount } that is paid. What counts is when you place the order, if you pay before it expires.
how-much = How much?
popular = Popular
other-amount = Or another amount
other-amount-hint = From { $least } to { $most }. It counts instead of the choice above.
show-price = Show the price
how-to-pay = How do you pay?
way-alipay = Alipay
way-wxpay = WeChat Pay
way-card = Card
way-qqpay = QQ Wallet
way-bank = Online banking
way-dashboard = Card and more
way-other = { $method } payment
way-hint-scan = QR code or app
way-hint-next = Stripe, next page
way-hint-gateway = On the next page
your-order = Your order
order-amount = Amount
order-charge-at = Charge at { $percent } %
order-charge = Charge
order-rate = Rate
order-credit = Credit
order-bonus = Bonus
order-bonus-held = The bonus is under review.
order-bonus-of = Bonus { $percent } %
order-total = You get
pay-amount = Pay { $amount }
pay-plain = Pay
pay-hint = { $minutes ->
    [one] The next page shows how to pay. You have { $minutes } minute. Pressing twice makes one order.
   *[other] The next page shows how to pay. You have { $minutes } minutes. Pressing twice makes one order.
}
recent-orders = Recent orders
all-orders = All orders
orders = Orders
orders-lead = Every top-up you started, newest first.
orders-none = No orders yet
orders-none-todo = Your first top-up will stand here.
orders-none-fit = No order fits the filter.
order = Order
placed = Placed
paid-by = Method
status = Status
pay-now = Pay
status-pending = Waiting for payment
status-paid = Paid
status-failed = Failed
status-expired = Expired
status-cancelled = Cancelled
status-disputed = In dispute
status-partially-refunded = Partly refunded
status-refunded = Refunded
status-processing = Payment under way
order-pay-title = Pay { $amount } with { $way }
order-pay-title-card = Pay { $amount } by card
order-title = Top-up of { $amount }
order-title-shop = Payment of { $amount }
scan-with = Scan with { $way }
qr-of-payment = QR code of the payment
time-left = Time left { $left }
on-this-phone = On this phone? Open the payment page instead.
open-payment = Open the payment page
pay-there = You pay on the provider’s page and come back here.
wechat-and-alipay = WeChat does not open Alipay. Open this page in your browser first.
looks-by-itself = This page looks for your payment by itself. You can close it: what you pay is credited.
look-again = Look again
i-have-paid = I have paid
cancel-order = Cancel this order
cancel-title = Cancel the order of { $amount }?
cancel-lead = The order ends and can’t be paid any more. If you have paid already, it will be credited all the same.
cancel-do = Cancel the order
back = Back
looked-nothing = The provider has no payment for this order yet. It can take a minute; this page keeps looking.
over-note = The time to pay is over. We ask the provider once more; what you have paid is credited.
paid-note = Paid. { $total } are on your balance.
paid-note-shop = Paid. The sale is being booked.
paid-late = The payment came after the order had ended. It was credited all the same.
see-records = See your records
processing-note = The provider is processing your payment. This can take days. It is credited when the provider has the money.
failed-refused = The provider refused the payment. Nothing was taken. Try again, or choose another way to pay.
failed-unavailable = The provider could not be reached. Nothing was taken. Try again.
expired-note = Nobody paid in time. If you have paid, it will be credited; else start anew.
cancelled-note = You cancelled this order. If you have paid, it will be credited.
disputed-note = The payment is in dispute at the provider. Its credit is held back until that is decided.
refunded-note = All of the payment was given back, and its credit was taken back.
refunded-part-note = A part of the payment was given back, and its credit was taken back. { $net } of the payment are left.
start-anew = Top up again
refunds = Refunds
refund-requested = Under way
refund-succeeded = Given back
refund-failed = Not made
net-left = Left of the payment
timeline = What happened
event-placed = Order placed
event-paid = Payment taken
event-ends = Time to pay ends
result-stranger = Thank you
result-stranger-todo = Sign in to see your order. What you paid is credited anyway.
result-unknown = We can’t tell which order this was
result-unknown-todo = What you paid is credited anyway. Your orders show it.
refused-programme-off = This is switched off now. Come back later.
refused-order-not-pending = This order has ended in the meantime. Its state is below.
refused-payment-under-way = The provider is processing a payment of this order, so it can’t be cancelled. It will be credited.
refused-wait-seconds = Too many in a minute. Try again in { $seconds ->
    [one] { $seconds } second
   *[other] { $seconds } seconds
}.
field-amount-range = Enter an amount from { $least } to { $most }
field-amount-digits = Enter an amount in digits, such as 50 or 50.00
field-amount-decimals = Enter an amount in digits, with at most { $digits } of them after the point
field-amount = Enter an amount within the bounds, such as 50 or 50.00
field-amount-way = This way to pay can’t take this amount. Choose another amount or way
field-offer = This offer is gone. Choose another
field-one-of = Choose an amount, or enter one
field-way = This way to pay is not available now. Choose another

# Invitations.
nav-invite = Invite
invite = Invite friends
invite-off = Invitations are switched off
invite-off-todo = Nobody can be invited now. What you have earned stays yours and is listed below.
invite-barred = Your account may not invite now. Ask support why.
terms-you-sign-up = You get { $amount } for each friend who signs up.
terms-you-qualify = You get { $amount } for each friend who has paid { $threshold } in all.
terms-friend-sign-up = Your friend gets { $amount } for signing up.
terms-friend-qualify = Your friend gets { $amount } after paying { $threshold } in all.
terms-none = Whoever registers with your code is your friend for good. No reward is set now.
terms-most = Your code works for { $number ->
    [one] { $number } friend
   *[other] { $number } friends
}.
friends = Friends
friends-reached = Reached { $threshold }
friends-rewarded = { $number } rewarded
earned = Earned
on-its-way = On its way
on-its-way-note = Held until it is checked
your-code = Your code and link
code-of-invite = Code
invite-link = Link
link-for-good = Whoever registers through it is your friend for good.
copy = Copy
copied = Copied
copy-by-hand = Press Ctrl+C to copy
share = Share
share-title = Join me
qr-code = QR code
qr-of-link = QR code of your link
qr-file = SVG
make-code = Make my code
make-code-todo = You have no code yet. One press makes it, and your link with it.
code-made = Your code and link are ready.
how-it-works = How it works
step-share = Share your link
step-share-todo = Or tell your friends the code; they can type it when they sign up.
step-sign-up = They sign up
step-sign-up-gets = They get { $amount } at once. A friend has one inviter, for ever.
step-sign-up-plain = A friend has one inviter, for ever.
step-pay = They pay { $threshold } in all
step-pay-gets = You get { $amount }. If they get their money back, so do we.
step-pay-plain = What they have paid is listed below.
your-friends = Your friends
your-friends-note = Newest first. Addresses are masked.
no-friends = No friends yet
no-friends-todo = Share your link; whoever registers through it will stand here.
friend = Friend
registered = Registered
friend-paid = Paid
threshold = Threshold
reward = Reward
state = State
reached = Reached
to-go = { $amount } to go
after-threshold = After { $threshold }
invited-by = You were invited by { $email }.
all-rewards = All rewards
rewards = Rewards
rewards-lead = Every reward of yours, as inviter and as invited, newest first.
no-rewards = No rewards yet
no-rewards-todo = Invite a friend; each reward will stand here.
made-at = Since
reward-for = For
granted = Granted
reward-inviter-registration = A friend’s sign-up
reward-inviter-qualified = A friend’s payments
reward-invitee-registration = Your own sign-up
reward-invitee-qualified = Your own payments
reward-pending = On its way
reward-held = Under review
reward-granted = Granted
reward-failed = Delayed
reward-reversed = Taken back

# Pages of refusals.
forbidden = You may not do this here
forbidden-todo = The form came from another page or another sign-in. Open the page again and repeat what you did.
too-many = Too many requests at once
too-many-todo = Nothing was changed. Wait a minute, then try again.
malformed = This form could not be read
malformed-todo = Nothing was changed. Open the page again and repeat what you did.

# Password reset, challenge at sign-in, account.
forgot-password = Forgot your password?
challenge-intro = Enter the code from the e-mail together with your password.
challenge-code = Code from the e-mail
challenge-resend = Mail another code
challenge-mailed = If the address has an account, another code is on its way. It is good for 15 minutes.
refused-challenge-required = Too many wrong passwords came for this address. If it has an account, a code was mailed to it: enter that, too. It is good for 15 minutes.
refused-challenge-wrong = The code is not right, or not good any more. Check it or ask for another.
reset-password = Reset your password
reset-intro = We mail you a code and a link with which you set a new password.
reset-ask = Mail me a code
reset-have-code = I have a code
reset-mailed = If the address has an account, a code is on its way. It is good for 30 minutes.
reset-code = Code from the e-mail
reset-code-hint = Ten letters and digits
reset-set = Set the new password
reset-ends-all = You are then signed out on every device.
reset-again = Ask for another code
reset-back = Back to sign-in
reset-done = Your new password is set. Sign in with it.
new-password = New password
field-wrong-token = The link is not good any more. Ask for another
field-wrong-password = The password is not right
field-no-password = This account has no e-mail and password
nav-account = Account and password
account-title = Your account
account-lead = How you sign in, in which language we write, and where you are signed in.
account-about = About you
account-id = Account number
account-since = Registered
account-session-since = Signed in here since
account-no-email = None
language = Language of pages and e-mails
save-it = Save
language-saved = The language is set.
change-password = Change your password
change-password-note = You are then signed out on every other device.
current-password = Current password
change-password-do = Change password
password-changed = Your password is changed. Other devices are signed out.
change-email = Change your e-mail
change-email-note = A code goes to the new address; the old one is told.
new-email = New e-mail
change-email-do = Mail a code
email-code-intro = Enter the six digits that we mailed to the new address. They are good for 15 minutes.
email-confirm-do = Confirm the new e-mail
email-other = Use another address
email-asked = A code is on its way to the new address.
email-changed = Your e-mail is changed. Sign in with it from now on.
devices = Devices
devices-note = This ends every session, this one, too. Do it when a device was lost.
sign-out-everywhere = Sign out everywhere
own-data = Your data
own-data-note = All records of your account, as files that a spreadsheet opens.
own-data-balance = Balance records (CSV)
own-data-commission = Commission records (CSV)
own-data-too-many = These are more than 5,000 records. Ask support for the file.

# Redemption codes and subscriptions.
nav-redeem = Redeem
redeem-title = Redeem a code
redeem-lead = A code adds time on a plan, or credit to your balance.
redeem-code = Redemption code
redeem-code-hint = 16 letters and digits. Spaces, hyphens and case do not matter.
redeem-new-subscription = Start a new subscription instead of extending the one I have
redeem-new-subscription-hint = Only for codes of a plan. A plan may limit how many you have at a time.
redeem-do = Redeem
redeem-off = Redeeming codes is switched off at the moment. What you redeemed stays.
redeemed = The code is redeemed.
redeemed-what = You received
redeemed-extended = Subscription extended
redeemed-began = Subscription begun
redeemed-before = Ended so far
redeemed-until = Ends now
redeemed-credit = Credited to your balance
see-in-records = See it in your records
subscriptions = Subscriptions
no-subscriptions = No subscriptions yet
no-subscriptions-todo = A code of a plan begins one.
plan-name = Plan
state-of-it = State
starts = Begins
expires = Ends
traffic = Traffic
traffic-of = { $used } of { $whole } GB
traffic-unlimited = { $used } GB, no limit
subscription-active = Active
subscription-expired = Expired
redemptions = Redeemed codes
no-redemptions = No codes redeemed yet
no-redemptions-todo = Enter the first one above.
benefit = Benefit
effect = Effect
ends-at = until { $time }
redemption-undone = Taken back
redemption-done = Redeemed
units-day = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
units-month = { $n ->
    [one] { $n } month
   *[other] { $n } months
}
units-year = { $n ->
    [one] { $n } year
   *[other] { $n } years
}
refused-code-not-found = There is no such code. Compare it with what you received and enter it again.
refused-already-redeemed = You have already redeemed this code; it is in the list below.
refused-code-disabled = This code is switched off. Ask whoever gave it to you.
refused-code-expired = This code has expired. Ask whoever gave it to you for another.
refused-code-not-yet-valid = This code is not valid yet. Redeem it later.
refused-code-used-up = Others have used this code up. Ask whoever gave it to you for another.
refused-plan-off-sale = The plan of this code is not on sale. Ask support.
refused-plan-quota = You have as many subscriptions of this plan as you may. Redeem it without starting a new one.

# Affiliate programme.
nav-affiliate = Affiliate
affiliate-title = Affiliate programme
affiliate-lead = You earn commission on what friends pay who registered with one of your codes.
affiliate-off = The programme is switched off: new orders earn nothing at the moment. What you earned stays yours.
affiliate-may-not = Your codes take no new friends. Ask support if you think that is wrong.
available = Available
available-note = Can be withdrawn now
pending = Pending
pending-note = Until the hold time is over
held = Set aside
held-note = For your open cash withdrawals
withdrawn = Withdrawn
clawed-back = Taken back
clawed-back-note = Because friends got money back
commission-debt = Still owed
commission-debt-note = Paid by your next commission
earned-in-all = Earned in all
earned-note = The sum of pending, available, set aside, withdrawn and taken back
friend-count = Friends
withdraw = Withdraw
withdrawals = Withdrawals
affiliate-terms = Your terms
affiliate-terms-note = Commission is a part of an order’s credit without bonus.
commission-rate = Rate
orders-per-friend = Orders of a friend that earn
hold-time = Hold time after payment
no-hold = None
valid-time = A friend’s orders earn for
cap-per-friend = Most that one friend earns you
min-cash = Least cash withdrawal
no-limit = No limit
hours-of = { $n ->
    [one] { $n } hour
   *[other] { $n } hours
}
days-of = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
invite-codes = Your invite codes
invite-codes-note = { $n ->
    [one] The primary code, and up to { $n } more with a label of your own.
   *[other] The primary code, and up to { $n } more with labels of your own.
}
no-codes = No codes yet
no-codes-todo = Make one and share its link.
code-label = Label
code-label-hint = For you only, say where you share it
code-link = Link
code-link-of = Link with { $code }
primary-code = Primary code
new-code = New code
invite-code-made = The new code works from now on.
link-copy = Copy
link-copied = Copied
link-copy-by-hand = Press Ctrl+C to copy it
row-action = Action
switch-off = Switch off
switch-off-title = Switch off { $code }
switch-off-lead = Nobody can register with it any more, and it can’t be switched on again. Friends who came with it stay yours, and its place is free for a new code.
go-back = Back
code-off = The code is switched off.
commissions = Commissions
commissions-note = Newest first. Addresses are masked.
no-commissions = No commissions yet
no-commissions-todo = The first order that a friend pays will stand here.
friend-of = Friend
commission-base = Base
commission-amount = Commission
before-refunds = Before refunds: { $amount }
available-at = Available at
commission-pending = Pending
commission-available = Available
commission-partially-reversed = Partly taken back
commission-reversed = Taken back
commission-held = Under review
withdraw-title = Withdraw commission
withdraw-lead = To your balance at once, or in cash after somebody has checked it.
withdraw-where = Where to
to-balance = Your balance
to-balance-note = At once
to-cash = Cash by { $method }
payout-bank = bank transfer
payout-paypal = PayPal
to-cash-note = At least { $amount } { $currency }
withdraw-amount = Amount in { $currency }
withdraw-available = Available: { $amount }
withdraw-all = Withdraw all of it
withdraw-next = Continue
withdraw-nothing = Nothing is available to withdraw at the moment.
confirm-title = Check and confirm
confirm-lead = Nothing has happened yet. Check the amounts, then confirm.
confirm-arrives = Goes to your balance
confirm-cash = Is set aside, and paid by { $method }
confirm-left = Commission that stays available
confirm-balance-after = Your balance afterwards
confirm-debt-first = Your debt is paid first.
confirm-cash-note = Somebody checks it first. You can cancel until it is paid.
payout-account = Account it is paid to
payout-account-hint = Your account for { $method }. Only its last digits are shown later.
payout-name = Name of the account’s owner
withdraw-balance-do = Withdraw to the balance
withdraw-cash-do = Ask for the cash
withdrawals-lead = Newest first. Accounts are masked.
no-withdrawals = No withdrawals yet
no-withdrawals-todo = Commission that is available can be withdrawn.
withdraw-to = To
withdrawal-settled = Settled
withdrawal-note = Note
withdrawal-done = Done
withdrawal-requested = Requested
withdrawal-paid = Paid
withdrawal-rejected = Rejected
withdrawal-cancelled = Cancelled
cancel-it = Cancel
withdrawn-balance = The commission is on your balance.
withdrawn-cash = Your request is in; the amount is set aside.
withdrawal-was-cancelled = The withdrawal is cancelled; its amount is available again.
back-to-affiliate = Back to the programme
refused-may-not-invite = You may not make invite codes. Ask support if you think that is wrong.
refused-invite-code-limit = You have as many invite codes as you may. Switch one off first.
refused-insufficient-available = Less commission is available than that. Enter a smaller amount.
refused-withdrawal-closed = This withdrawal was closed meanwhile; the list shows how it ended.
refused-forbidden = That is not possible with your account.
refused-not-found = That is not there any more. Look at the list.
field-out-of-range = The amount is not within what is possible
field-amount-too-much = Enter at most what is available
field-amount-too-little = Cash begins at the least amount that is named with it
field-not-offered = This way is not offered any more. Choose another
field-too-long = Enter 1 to { $most } characters on one line

# Links of the operator.
foot-owner = © { $year } { $name }
foot-home = { $name } home page
foot-terms = Terms
foot-privacy = Privacy
foot-help = Help
accept-terms = With an account you accept these terms

# Overview.
held-until = Until { $time }
first-steps = Your first steps
first-top-up = Top up
first-top-up-todo = Choose an amount and pay by card or by a scan. What you pay for is credited at once.
first-redeem = Redeem a code
first-redeem-todo = You have a code? It adds time on a plan, or credit to your balance.
first-invite = Invite a friend
first-invite-todo = Share a link of your own; what you get for it is said there.
orders-waiting = Waiting for your payment
invite-more = Friends and rewards

# Charts.
week-of = Week from
weeks-title = { $n ->
    [one] Commission of the last { $n } week
   *[other] Commission of the last { $n } weeks
}
weeks-description = From { $least } to { $most } a week.
weeks-note = By week from Monday (UTC), less what was taken back.
