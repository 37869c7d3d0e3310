# Texts of the console in English. `zh-CN.ftl` has the same keys and arguments; a build with a missing one fails.
#
# Glossary: commission 佣金, referral 邀请, withdrawal 提现, redemption code 兑换码, grant 授权, top-up 充值, bonus 赠送,
# review 待审款项. Second person, short, no exclamation marks, no blame; buttons are verbs.

skip = Skip to the content
main-menu = Main
menu = Menu
account-of = Account of { $email }
sign-out = Sign out
nav-home = Overview
nav-records = Records
balance = Balance
theme = Theme
theme-system = As the device
theme-light = Light
theme-dark = Dark
error-title = Error: { $title }
problem = There is a problem
error-mark = Error:

sign-in = Sign in
sign-in-new = New here?
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
invited-with = You were invited with code
verify = Check your e-mail
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
