/** The IBAN of an account: ISO 13616, with check digits by ISO 7064 (mod 97-10). */
export function iban(country: string, bank: string, seed: string): string {
  const account = seed.slice(-10).padStart(10, "0");
  const digits = [...`${bank}${account}${country}00`].map((each) => parseInt(each, 36)).join("");
  const check = 98n - (BigInt(digits) % 97n);
  return `${country}${check.toString().padStart(2, "0")}${bank}${account}`;
}
