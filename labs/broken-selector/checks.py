"""The checks of the lab "The shop answers nobody": behavior first, state second."""

from __future__ import annotations

from kubehop.labs import (
    Check,
    Failure,
    Mismatch,
    Object,
    World,
    first_broken_hop,
    labels_of,
    name_of,
    ready,
    requests_for,
    shown,
    template_labels,
    why_unready,
)

URL = "http://web-svc/"
PODS = 2
WRITER = "endpointslice-controller.k8s.io"
# The one label of a Pod that its ReplicaSet adds.
HASH = "pod-template-hash"


def the_service_answers(world: World) -> None:
    """A request from Pod `client` to `http://web-svc/` is answered."""
    answer = world.request(URL)[0]
    if answer.status == 200:
        return
    if as_at_start(world):
        raise symptom(world, str(answer.error or answer.status))
    raise first_broken_hop(world, service="web-svc", url=URL) or Failure(
        f"Service web-svc: {URL} gives {answer.error or answer.status}, and spec and Pods look right.",
        hint="Something outside the Service is in the way.",
        run="kubectl get all,networkpolicies",
    )


def both_pods_answer(world: World) -> None:
    """Many requests reach two Pods or more, and each of them answers."""
    service = world.get("Service", "web-svc")
    expected = {name_of(pod) for pod in world.selected_by(service) if ready(pod)}
    count = requests_for(max(PODS, len(expected)))
    names, answers = world.spread(URL, service=service, count=count)
    lost = [answer for answer in answers if answer.status != 200]
    if lost:
        what = f"Service web-svc: {len(lost)} of {count} requests are not answered ({lost[0].error})."
        raise Failure(what, hint="Not every Pod behind it listens.", run="kubectl get endpointslices")
    if len(expected) < PODS and len(names) < PODS:
        raise too_few(world, service)
    if len(names) < PODS or not expected <= names:
        raise one_sided(service, names=names, count=count)


def a_new_pod_joins(world: World) -> None:
    """A Pod that replaces one of these tomorrow is found by the Service too."""
    service = world.get("Service", "web-svc")
    if not service["spec"].get("selector"):
        raise Mismatch(
            "labels that Pods carry",
            "empty",
            item="Service web-svc",
            field="spec.selector",
            hint="Its addresses are frozen: nobody writes them anew when a Pod goes.",
            run="kubectl describe service web-svc",
        )
    for item in world.slices_of("web-svc"):
        writer = labels_of(item).get("endpointslice.kubernetes.io/managed-by")
        if writer != WRITER:
            raise Mismatch(
                WRITER,
                writer,
                item=f"EndpointSlice {name_of(item)}",
                field='metadata.labels["endpointslice.kubernetes.io/managed-by"]',
                hint="Addresses written by hand stay when their Pods go.",
                run="kubectl get endpointslices -o yaml",
            )
    for pod in world.selected_by(service):
        lasting(world, pod, selector=service["spec"]["selector"])


def as_at_start(world: World) -> bool:
    """Whether the Service, the Deployment and the labels of its Pods are those of the start."""
    web = world.find("Deployment", "web")
    if web is None or not (world.untouched("Service", "web-svc") and world.untouched("Deployment", "web")):
        return False
    made = [labels_of(pod) for pod in world.objects("Pod") if world.owner_of(pod) == web]
    return all({**labels, HASH: ""} == {**template_labels(web), HASH: ""} for labels in made)


def symptom(world: World, error: str) -> Failure:
    """Return the symptom and no more: the learner has repaired nothing yet."""
    addresses = sum(len(item.get("endpoints") or []) for item in world.slices_of("web-svc"))
    what = f"Service web-svc: {URL} gives {error}; endpoints of its EndpointSlices: {addresses}."
    hint = "The Service and the Deployment still have every value they began with."
    return Failure(what, hint=hint, run="kubectl describe service web-svc")


def too_few(world: World, service: Object) -> Failure:
    """Return why fewer Pods than promised are behind the Service."""
    selected = world.selected_by(service)
    for pod in selected:
        if not ready(pod):
            return why_unready(pod)
    selector = service["spec"].get("selector") or {}
    for deployment in world.objects("Deployment"):
        replicas = deployment["spec"]["replicas"]
        if replicas < PODS and selector.items() <= template_labels(deployment).items():
            return Mismatch(
                f"{PODS} or more",
                replicas,
                item=f"Deployment {name_of(deployment)}",
                field="spec.replicas",
                hint="One Pod alone is an outage in waiting.",
                run="kubectl get deployments",
            )
    names = ", ".join(name_of(pod) for pod in selected) or "no Pod"
    # A bare Pod without any of these keys, such as the one that asks, is no part of the shop.
    left = [
        pod
        for pod in world.objects("Pod")
        if pod not in selected and (world.owner_of(pod) or selector.keys() & labels_of(pod).keys())
    ]
    if not left:
        what = f"Service web-svc: spec.selector {shown(selector)} finds {names} alone."
        return Failure(what, hint="Nothing else runs the shop.", run="kubectl get deployments,pods")
    what = (
        f"Pod {name_of(left[0])}: metadata.labels is {shown(labels_of(left[0]))}, so Service web-svc "
        f"({shown(selector)}) finds only {names}."
    )
    return Failure(what, hint="Both Pods must carry what the Service selects.", run="kubectl get pods --show-labels")


def one_sided(service: Object, *, names: set[str], count: int) -> Failure:
    """Return why requests do not spread over the Pods that are there."""
    affinity = service["spec"].get("sessionAffinity")
    who_answered = ", ".join(sorted(names))
    run = "kubectl get service web-svc -o yaml"
    if affinity not in (None, "None"):
        return Mismatch(
            "None",
            affinity,
            item="Service web-svc",
            field="spec.sessionAffinity",
            hint=f"Each client stays with one Pod: all {count} requests went to {who_answered}.",
            run=run,
        )
    what = f"Service web-svc: all {count} requests were answered by {who_answered}."
    return Failure(what, hint="Chance alone does that less than once in 10,000 times.", run=run)


def lasting(world: World, pod: Object, *, selector: dict[str, str]) -> None:
    """Fail unless a controller makes such Pods, with these labels, and is done with it."""
    owner = world.owner_of(pod)
    if owner is None:
        raise unowned(pod)
    item = f"{owner['kind']} {name_of(owner)}"
    labels = template_labels(owner)
    lacking = {key: value for key, value in selector.items() if labels.get(key) != value}
    if lacking:
        raise Mismatch(
            f"labels with {shown(lacking)}, as Service web-svc selects",
            shown(labels),
            item=item,
            field=f"{'spec.jobTemplate.' if owner['kind'] == 'CronJob' else ''}spec.template.metadata.labels",
            hint=f"Pod {name_of(pod)} was labelled by hand; the next Pod is made from the template.",
            run="kubectl get deployments,pods --show-labels",
        )
    rolled_out(world, owner, item=item)


def unowned(pod: Object) -> Mismatch:
    """Return why nobody is known to replace a Pod."""
    owners = pod["metadata"].get("ownerReferences") or []
    named = ", ".join(f"{owner['kind']} {owner['name']}" for owner in owners)
    return Mismatch(
        "a controller that is there, such as a Deployment" if named else "a controller",
        named or None,
        item=f"Pod {name_of(pod)}",
        field="metadata.ownerReferences",
        hint="No template to make the next Pod from is found there." if named else "Nobody replaces a bare Pod.",
        run="kubectl get deployments,pods",
    )


def rolled_out(world: World, owner: Object, *, item: str) -> None:
    """Fail when the controller cannot make the Pods that its template describes."""
    wanted, updated = owner["spec"].get("replicas"), owner.get("status", {}).get("updatedReplicas")
    if owner["kind"] != "Deployment" or wanted == updated:
        for pod in world.objects("Pod"):
            ended = pod["status"].get("phase") in ("Succeeded", "Failed")
            if not (ready(pod) or ended) and world.owner_of(pod) == owner:
                raise why_unready(pod)
        return
    image = owner["spec"]["template"]["spec"]["containers"][0]["image"]
    what = f"{item}: status.updatedReplicas is {updated} of {wanted}; the template's image is {image}."
    raise Failure(what, hint="New Pods do not become ready; the old ones still serve.", run="kubectl get pods")


CHECKS = [
    Check(the_service_answers),
    Check(both_pods_answer, needs=(the_service_answers,)),
    Check(a_new_pod_joins, needs=(the_service_answers,)),
]
