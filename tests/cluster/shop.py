"""The storefront as manifests, for tests that need somebody to answer."""

from __future__ import annotations

_SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      {pod}
      containers:
        - name: app
          image: storefront:{version}
          readinessProbe: {{httpGet: {{path: /readyz, port: 8080}}, periodSeconds: 1}}
          env:
            - {{name: POD_NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
            - {{name: NODE_NAME, valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: 8080}}]{service}}}
"""
# As many Pods on each node as on any other, give or take one.
_SPREAD = (
    "topologySpreadConstraints: [{{maxSkew: 1, topologyKey: kubernetes.io/hostname, "
    "whenUnsatisfiable: DoNotSchedule, labelSelector: {{matchLabels: {{app: {name}}}}}}}]"
)


def storefront(
    name: str, *, version: str = "v1", replicas: int = 1, node: str = "", service: str = ""
) -> str:
    """Return a Deployment and its Service, both called `name`.

    Args:
        name: Also the label `app` of the Pods.
        version: Tag of the image.
        replicas: Number of Pods.
        node: Where all of them run; empty for spread over all nodes.
        service: More of the Service's `spec`, as YAML flow: `type: LoadBalancer`.
    """
    return _SHOP.format(
        name=name,
        version=version,
        replicas=replicas,
        pod=f"nodeName: {node}" if node else _SPREAD.format(name=name),
        service=f", {service}" if service else "",
    )


def ingress(name: str, host: str, service: str) -> str:
    """Return an Ingress that sends every path of `host` to a Service."""
    backend = f"{{service: {{name: {service}, port: {{number: 80}}}}}}"
    return f"""
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}}}
spec: {{rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}}}]}}
"""
