// Package migrate says what an existing configuration of prometheus-adapter would serve here, and what differs and why.
//
// [Read] takes files apart by their content: adapter configurations, values of prometheus-adapter's chart, ConfigMaps with either, and
// manifests of HorizontalPodAutoscalers of any version. [Plan.Report] lists the metrics of each rule, of series that a Prometheus server
// was asked for, or supposed ones; every difference, with its place; and the autoscalers in autoscaling/v2, each metric of theirs with
// whether a rule makes it. The package is pure: the caller reads files and asks servers.
package migrate
