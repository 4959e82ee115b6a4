/** The messages of verdicts: files of `src/procession/forms/texts`, which the bundler finds by an alias. */
declare module "forms-texts/*.json" {
  const messages: Record<string, string | Record<string, string>>;
  export default messages;
}
