import { equal, ok, test } from "test";
import { iban } from "iban";

test("the example of the registry", () => equal(iban("DE", "37040044", "0532013000"), "DE89370400440532013000"));
test("any account has 22 characters", () => ok(iban("DE", "37040044", "7").length === 22));
