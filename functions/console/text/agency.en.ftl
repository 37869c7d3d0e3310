# Texts of the agency: shops, series, grants, assets, sales. `agency.zh-CN.ftl` has the same keys and arguments in the same order.

tree-platform = The platform
tree-shop = Shop
tree-shop-name = Name of the shop
tree-shops-lead = Resellers in their tree, up to ten levels. Each sees itself and those below it.
tree-tree = The tree
tree-level = Level { $level }
tree-side-by-side = Grants side by side
tree-series-named = Series { $name }
tree-grants-count = { $n ->
    [one] { $n } grant
   *[other] { $n } grants
}
tree-packages-count = { $n ->
    [one] { $n } package
   *[other] { $n } packages
}
tree-tiers-count = { $n ->
    [one] { $n } tier
   *[other] { $n } tiers
}
tree-shop-new = New shop
tree-shop-new-below = New shop below this one
tree-shop-make = Make the shop
tree-shop-change = Change the shop
tree-shop-fixed = It has shops, grants or assets, so it stays where it is.
tree-shops-none = No shops yet
tree-shops-none-todo = Make the first one; grants and assets come after it.
tree-shops-below = Shops below
tree-shops-below-none = No shops below this one
tree-parent = Below
tree-agent = Agent (id of the user)
tree-agent-hint = The id stands on the user’s page. The user becomes an agent and signs in again. Empty: nobody runs it.
tree-nobody = Nobody
tree-save = Save
tree-next = Next

# Wallets.
tree-wallet = Wallet
tree-wallet-of = Wallet of { $shop }
tree-wallet-empty = No money has moved in this wallet yet.
tree-wallet-main = Main
tree-wallet-commission = Commission
tree-wallet-held = Held for cash
tree-money = Move money
tree-transfer = Move to the main account
tree-transfer-amount = Commission to move, in { $currency }
tree-transfer-none = There is no commission to move.
tree-adjust = Adjust the wallet
tree-adjust-of = Adjust the wallet of { $shop }
tree-adjust-amount = Amount, in the agency’s currency
tree-adjust-remark-hint = The shop sees it.
tree-main-now = Main account now
tree-main-after = Main account afterwards

# Series and packages.
tree-series = Series
tree-series-lead = A series groups packages and has a one-time commission for each asset.
tree-series-new = New series
tree-series-make = Make the series
tree-series-none = No series yet
tree-series-none-todo = Make one, add packages, then grant it to a shop of level 1.
tree-series-terms = Terms of the series
tree-series-fixed = Shops hold grants of it: only the amounts can change.
tree-series-code-hint = Your own code; no other series has it.
tree-name = Name
tree-code = Code
tree-code-hint = Your own code; no other package of the series has it.
tree-commission = One-time commission
tree-commission-kind = Kind
tree-commission-amount = Amount, in { $currency }
tree-commission-amount-hint = Of a fixed commission, and of one by tiers that has no tiers.
tree-tiers = Tiers
tree-tiers-hint = A row without a threshold and an amount is no tier. Empty a row to take it away.
tree-tier-applies = Applies when
tree-tier-amount = Amount, in { $currency }
tree-dimension = Measure
tree-sales-count = Number of sales
tree-sales-amount = Sum of sales
tree-scope = Whose sales
tree-operator = Comparison
tree-above = more than
tree-at-least = at least
tree-below = less than
tree-at-most = at most
tree-threshold = Threshold
tree-trigger = When it is due
tree-trigger-kind = Counts
tree-first-recharge = A single payment
tree-accumulated-recharge = All payments together
tree-trigger-threshold = From, in { $currency }
tree-trigger-hint = Once per asset: when its payment, or the sum of them, reaches this.
tree-forced = Forced recharge
tree-forced-platform = The platform requires a first payment
tree-forced-platform-hint = 0 takes the threshold above. A single payment as the measure always requires it.
tree-forced-amount = At least, in { $currency }
tree-forced-shop = The shop requires a first payment
tree-forced-shop-hint = It holds while the platform requires none.
tree-forced-none = None
tree-forced-by-platform = set by the platform
tree-forced-by-shop = set by the shop
tree-package = Package
tree-packages = Packages
tree-package-new = New package
tree-package-make = Make the package
tree-packages-none = No packages
tree-packages-none-todo = Add one, so that it can be granted and sold.
tree-price = Price, in { $currency }
tree-price-hint = What it is sold at, unless a shop sets its own price.
tree-least-cost = Least cost, in { $currency }
tree-least-cost-hint = A shop of level 1 pays at least this.
tree-level-one-grants = Grants at level 1
tree-grants-by-level = Grants by level
tree-changing = An earlier change is still being applied to the grants below. Look again in a moment.
tree-changing-short = changing

# Grants.
tree-grant = Grant
tree-grant-of = { $series } for { $shop }
tree-grants-lead = What each shop may sell, at which cost, and its part of the commission.
tree-grant-new = Grant a series
tree-grant-make = Make the grant
tree-grants-none = No grants here
tree-grants-none-todo = Grant a series to a shop.
tree-grants-need = A grant needs a shop and a series. Make them first.
tree-grant-terms = Terms of the grant
tree-allocator = Granted by
tree-own = Own part
tree-own-amount = Own part, in { $currency }
tree-ceiling = Ceiling
tree-at-most-amount = At most { $amount } { $currency }
tree-at-least-amount = At least { $amount } { $currency }, its cost
tree-no-commission = This series has no commission.
tree-bounds-from = Ceilings and least costs are those of
tree-packages-hint = A package without a cost is not granted; an emptied cost takes it away.
tree-packages-change = Change the packages
tree-more-packages = More packages
tree-cost = Cost, in { $currency }
tree-retail = Retail, in { $currency }
tree-margin = margin
tree-until = { $cost } until
tree-on-shelf = On sale
tree-off-shelf = Not on sale
tree-status-hint = A disabled grant takes no order from this shop and those below.
tree-changed-at = Changed
tree-grants-below = Grants below
tree-see-below = See the grants below
tree-sales-so-far = Sales so far
tree-grant-delete = Delete the grant
tree-grant-delete-effect = The shop can’t sell the series any more. The grant can still be read, and the series can be granted again.
tree-affected = Grants below that are affected
tree-affected-note = { $n ->
    [one] { $n } grant exceeds the new bound. Move it too, or change the amounts.
   *[other] { $n } grants exceed the new bound. Move them too, or change the amounts.
}
tree-becomes = What it becomes
tree-at-tier = At { $threshold }
tree-cost-of = Cost of { $package }
tree-retail-of = Retail price of { $package }
tree-package-gone = { $package } is taken away
tree-move-too = Move them too

# Assets.
tree-asset = Asset
tree-asset-id = Asset (id)
tree-assets-lead = Cards and devices that packages are sold for.
tree-assets-none = No assets here
tree-assets-none-todo = Take one in for a shop that has a grant.
tree-asset-new = Take in an asset
tree-asset-make = Take it in
tree-asset-move = Move to another shop
tree-asset-move-do = Move the asset
tree-asset-move-hint = The other shop needs a grant of the series. Earlier sales stay with the shop that made them.
tree-asset-records = Balance of the asset
tree-asset-records-none = Nothing was recharged yet
tree-identifier = Identifier
tree-identifier-hint = As printed: 4 to 64 letters, digits and - . : _
tree-one-time = One-time commission
tree-triggered = Commission paid
tree-not-triggered = Commission not due yet
tree-paid-so-far = Paid so far

# Sales.
tree-sell = Sell
tree-sell-to = Sell to { $asset }
tree-sell-check = See the price
tree-sell-check-amount = See what has to be paid
tree-sell-do = Sell
tree-purchase = Packages
tree-recharge = Recharge
tree-recharge-amount = Amount, in { $currency }
tree-recharge-enough = Recharge { $amount } { $currency }
tree-to-pay = To pay
tree-how = How it is paid
tree-forced-short = This is less than the first payment that the asset needs.
tree-by-wallet-has = In the shop’s wallet
tree-online-by = Online: { $method }
tree-offline-hint = Outside the platform: the money was taken elsewhere. It counts for no commission and no tier.
tree-sale = Sale
tree-sale-of = Sale of { $amount }
tree-sales-lead = What shops sold, newest first.
tree-sales-none = No sales here
tree-sales-none-todo = Take a filter away, or sell from an asset’s page.
tree-not-settled = not divided yet
tree-awaited = It waits for its payment.
tree-open-payment = Open the payment page
tree-paid-at = Paid
tree-chain = Who earns what
tree-chain-pending = It is divided within moments after the payment.
tree-difference = Price difference
tree-sale-triggered = This sale made the asset’s one-time commission due.
tree-sale-not-triggered = This sale did not make the one-time commission due: it is once per asset, from the threshold on, and not for sales paid outside the platform.
tree-of-net = Less refunds:
tree-commissions = Shops’ commissions
tree-commissions-lead = What each level earned, a line for each sale.
tree-commissions-none = Nobody earned anything here
tree-earner = Earned by
tree-seller = Sold by

# Refusals.
refused-series-code-taken = Another series has this code. Choose another one.
field-above-ceiling = This is above the ceiling beside it. Enter less.
field-below-least = This is below the least cost beside it. Enter more.
field-tiers = Only a commission by tiers has tiers. Choose that kind, or empty the rows.
field-package-code = Another package of the series has this code. Choose another one.
field-below-cost = A retail price is at least the cost beside it.
field-twice = This is there twice. Enter it once.
field-package-not-sold = The shop does not sell this package now. Choose another one.

# Successes.
said-shop-adjusted = The wallet is adjusted.
said-series-made = The series is made. Add its packages.
said-series-saved = The series is saved.
said-package-made = The package is made.
said-package-saved = The package is saved.
