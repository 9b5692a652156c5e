# SPDX-License-Identifier: GPL-2.0-or-later
"""Real Prometheus: its checks of our metrics and rules, and a server that scrapes a daemon."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest

from support.process import Process, free_port
from support.programs import REPO
from support.wait import until

MONITORING = REPO / "scripts/monitoring"
RULES = MONITORING / "clustercheckd-alerts.yml"

pytestmark = pytest.mark.skipif(
    not shutil.which("promtool") or not shutil.which("prometheus"),
    reason="prometheus is not installed",
)


def promtool(*arguments, **options):
    command = ["promtool", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=MONITORING, **options)
    return done.returncode, done.stdout + done.stderr


def metrics(checker):
    return checker.ask("/metrics").body.decode()


def families(text):
    return {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}


# ---- its checks ----


def test_metrics_are_clean(node, daemon):
    checker = daemon(node, {"endpoint /batch": {"donor": "available"}})
    checker.wait_reason("available")
    checker.wait_rounds(3)
    checker.ask("/nope")
    assert promtool("check", "metrics", input=metrics(checker)) == (0, "")
    node.sql("SET GLOBAL wsrep_desync=ON")
    checker.wait_reason("donor")
    assert promtool("check", "metrics", input=metrics(checker)) == (0, "")


def test_metrics_without_a_server_are_clean(daemon):
    checker = daemon()
    checker.wait_reason("unreachable")
    assert promtool("check", "metrics", input=metrics(checker)) == (0, "")


def test_rules_are_good():
    code, said = promtool("check", "rules", RULES.name)
    assert code == 0 and "SUCCESS" in said, said


def test_rules_alert_as_they_should():
    code, said = promtool("test", "rules", "clustercheckd-alerts-test.yml")
    assert code == 0 and "FAILED" not in said, said


def test_every_rule_is_tested():
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    tests = (MONITORING / "clustercheckd-alerts-test.yml").read_text()
    fired = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts", tests))
    assert len(alerts) >= 8 and alerts == fired


@pytest.mark.parametrize("name", [RULES.name, "grafana-dashboard.json"])
def test_only_real_metrics_are_used(node, daemon, name):
    checker = daemon(node)
    checker.wait_reason("available")
    checker.wait_rounds(3)
    text = metrics(checker)
    known = set(families(text)) | set(re.findall(r"^(\w+)[{ ]", text, re.M))
    used = set(re.findall(r"clustercheck_\w+", (MONITORING / name).read_text()))
    assert used and used <= known, used - known


def test_the_dashboard_is_whole():
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids) >= 10
    for panel in dashboard["panels"]:
        assert panel["title"] and panel["targets"]
        for target in panel["targets"]:
            used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
            assert used <= variables, panel["title"]


def dashboard_expressions():
    """With Grafana's variables filled in."""
    values = {"job": "clustercheckd", "instance": ".*", "endpoint": "/", "__rate_interval": "1m"}
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield re.sub(r"\$(\w+)", lambda match: values[match[1]], target["expr"])


# ---- a server ----

CONFIG = """\
global:
  scrape_interval: 200ms
  evaluation_interval: 200ms
rule_files: [{rules}]
scrape_configs:
  - job_name: clustercheckd
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


class Prometheus(Process):
    def __init__(self, directory, target_port):
        directory.mkdir(parents=True)
        self.port = free_port()
        config = directory / "prometheus.yml"
        config.write_text(CONFIG.format(rules=RULES, port=target_port))
        super().__init__(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'data'}"]
            + [f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            directory / "prometheus.log",
        )

    def start(self):
        super().start()
        until(self.is_ready, "ready Prometheus", 30, 0.1)
        return self

    def is_ready(self):
        assert self.runs(), self.log()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def api(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}") as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        return document["data"]

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        result = self.api("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def wait_value(self, expression, value):
        until(
            lambda: [found for _, found in self.query(expression)] == [value],
            f"{expression} = {value} in Prometheus",
            20,
            0.1,
        )


def test_a_real_prometheus(node, daemon, running, tmp_path):
    checker = daemon(node)
    checker.wait_reason("available")
    prometheus = running(Prometheus(tmp_path / "prometheus", checker.port))
    prometheus.wait_value("up", 1)
    prometheus.wait_value('clustercheck_available{endpoint="/"}', 1)
    prometheus.wait_value("clustercheck_galera_cluster_size", 1)
    [target] = prometheus.api("targets")["activeTargets"]
    assert target["health"] == "up" and target["lastError"] == ""
    kinds = {name: entry[0]["type"] for name, entry in prometheus.api("metadata").items()}
    assert kinds.items() >= families(metrics(checker)).items()
    for expression in dashboard_expressions():
        prometheus.query(expression)

    node.sql("SET GLOBAL wsrep_desync=ON")
    prometheus.wait_value('clustercheck_available{endpoint="/"}', 0)
    prometheus.wait_value('clustercheck_reason_info{endpoint="/",reason="donor"}', 1)
    node.sql("SET GLOBAL wsrep_desync=OFF")
    prometheus.wait_value('clustercheck_available{endpoint="/"}', 1)
    assert_rules_were_evaluated(prometheus)

    checker.stop()
    prometheus.wait_value("up", 0)
    until(lambda: "ClustercheckdDown" in alerts(prometheus), "pending alert", 10, 0.1)


def alerts(prometheus):
    return {alert["labels"]["alertname"]: alert["state"] for alert in prometheus.api("alerts")["alerts"]}


def assert_rules_were_evaluated(prometheus):
    [group] = prometheus.api("rules")["groups"]
    assert len(group["rules"]) >= 8
    for rule in group["rules"]:
        assert rule["health"] == "ok", rule
