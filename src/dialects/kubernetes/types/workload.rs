//! The kinds that make pods: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob.

use super::pod::PodSpec;
use crate::dialects::meta::ObjectMeta;
use crate::message;
use crate::schema::{Int, List, Map, Text};

message! {
    /// A kind with a pod template.
    pub struct Workload {
        /// Its template and settings.
        spec: Option<WorkloadSpec> = "spec",
    }
}

message! {
    /// Template and settings of a workload.
    pub open struct WorkloadSpec {
        /// Wanted pods.
        replicas: Option<Int> = "replicas",
        /// The pods it owns.
        selector: Option<LabelSelector> = "selector",
        /// What its pods look like.
        template: Option<PodTemplate> = "template",
    }
}

message! {
    /// A pod template.
    pub struct PodTemplate {
        /// Metadata of the pods.
        metadata: Option<ObjectMeta> = "metadata",
        /// Containers and settings.
        spec: Option<PodSpec> = "spec",
    }
}

message! {
    /// A label selector.
    pub open struct LabelSelector {
        /// Labels that must match.
        match_labels: Map<Text> = "matchLabels",
        /// Requirements that must hold.
        match_expressions: List<LabelRequirement> = "matchExpressions",
    }
}

message! {
    /// A requirement on one label.
    pub struct LabelRequirement {
        /// The label.
        key: Option<Text> = "key" [Required],
        /// In, NotIn, Exists or DoesNotExist.
        operator: Option<Text> = "operator" [Required],
        /// The values of In and NotIn.
        values: List<Text> = "values",
    }
}

message! {
    /// A job on a schedule.
    pub struct CronJob {
        /// Schedule and job.
        spec: Option<CronJobSpec> = "spec",
    }
}

message! {
    /// Schedule and job of a CronJob.
    pub open struct CronJobSpec {
        /// The job to make.
        job_template: Option<JobTemplate> = "jobTemplate",
    }
}

message! {
    /// The job that a CronJob makes.
    pub open struct JobTemplate {
        /// Template and settings of the job.
        spec: Option<WorkloadSpec> = "spec",
    }
}
