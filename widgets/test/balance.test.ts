import { expect, test } from "vitest";
import { policyOf, seriesOf } from "../src/balance/model.ts";
import { indexTrace } from "../src/index.ts";
import { show, traceOf } from "./tools.ts";

test.each([
  ["route:shop/app-ingress#0", "turns", "kubectl logs"],
  ["traefik", "turns", "kubectl logs"],
  ["svc:web-svc", "random", "kubectl get endpointslices -l"],
  [null, "random", "kubectl get endpointslices"],
])("who balances a request by way of %s: %s", (via, policy, command) => {
  const trace = traceOf("balance-three");
  const { cols, rows } = trace.req!;
  for (const [i, row] of rows.entries()) {
    row[cols.indexOf("via")] = trace.entities.findIndex((each) => each.id === via);
    row[cols.indexOf("conn")] = i;
  }
  expect(seriesOf(indexTrace(trace)).map(policyOf)).toEqual([policy, policy, policy]);
  expect(show("LoadBalancing", trace).figure.querySelector(".kh-foot code")?.textContent).toContain(command);
});
