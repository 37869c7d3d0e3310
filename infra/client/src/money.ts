/** An amount of money: a decimal text, never a floating-point number. */
export interface Money {
  amount: string;
  currency: string;
}

interface Scaled {
  units: bigint;
  digits: number;
}

function read(amount: string): Scaled {
  const match = /^([+-]?)([0-9]+)(?:\.([0-9]+))?$/.exec(amount);
  if (match === null) throw new RangeError(`${amount} is no decimal`);
  const fraction = match[3] ?? "";
  const units = BigInt(`${match[2] ?? "0"}${fraction}`);
  return { units: match[1] === "-" ? -units : units, digits: fraction.length };
}

function write({ units, digits }: Scaled): string {
  const sign = units < 0n ? "-" : "";
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, "0");
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function together(one: Money, other: Money): [bigint, bigint, number] {
  if (one.currency !== other.currency) throw new RangeError(`${one.currency} is not ${other.currency}`);
  const [left, right] = [read(one.amount), read(other.amount)];
  const digits = Math.max(left.digits, right.digits);
  const scale = ({ units, digits: own }: Scaled): bigint => units * 10n ** BigInt(digits - own);
  return [scale(left), scale(right), digits];
}

/** The sum of two amounts of one currency. */
export function add(one: Money, other: Money): Money {
  const [left, right, digits] = together(one, other);
  return { amount: write({ units: left + right, digits }), currency: one.currency };
}

/** The difference of two amounts of one currency. */
export function subtract(one: Money, other: Money): Money {
  return add(one, negate(other));
}

/** The amount with the other sign. */
export function negate({ amount, currency }: Money): Money {
  const { units, digits } = read(amount);
  return { amount: write({ units: -units, digits }), currency };
}

/** Negative, 0 or positive, for sorting; amounts of different currencies can't be compared. */
export function compare(one: Money, other: Money): number {
  const [left, right] = together(one, other);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** True for nothing, whatever its digits. */
export function isZero({ amount }: Money): boolean {
  return read(amount).units === 0n;
}

/** The amount for people, with the digits that it has. */
export function format({ amount, currency }: Money, locale?: string): string {
  const { digits } = read(amount);
  const style = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits } as const;
  // A decimal text is formatted exactly; TypeScript's library does not know that yet.
  return new Intl.NumberFormat(locale, style).format(amount as unknown as number);
}
