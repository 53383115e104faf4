//! The kinds that make pods: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob.

use super::pod::PodSpec;
use crate::dialects::meta::ObjectMeta;
use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, Int, List, Map, Text};

message! {
    /// A kind with a pod template.
    pub struct Workload {
        /// Its template and settings.
        spec: Option<WorkloadSpec> = "spec",
    }
}

message! {
    /// Template and settings of a workload: the fields of all six kinds.
    pub struct WorkloadSpec {
        /// Wanted pods.
        replicas: Option<Int> = "replicas",
        /// The pods it owns.
        selector: Option<LabelSelector> = "selector",
        /// What its pods look like.
        template: Option<Box<PodTemplate>> = "template",
        /// Time until a pod counts.
        min_ready_seconds: Option<Int> = "minReadySeconds",
        /// Old revisions kept.
        revision_history_limit: Option<Int> = "revisionHistoryLimit",
        /// Deployment: no rollout.
        paused: Option<At<bool>> = "paused",
        /// Deployment: time for progress.
        progress_deadline_seconds: Option<Int> = "progressDeadlineSeconds",
        /// Deployment: how pods are replaced.
        strategy: Option<Opaque> = "strategy",
        /// StatefulSet, DaemonSet: how pods are replaced.
        update_strategy: Option<Opaque> = "updateStrategy",
        /// StatefulSet: its headless Service.
        service_name: Option<Text> = "serviceName",
        /// StatefulSet: claims of each pod.
        volume_claim_templates: List<Opaque> = "volumeClaimTemplates",
        /// StatefulSet: order of pods.
        pod_management_policy: Option<Text> = "podManagementPolicy",
        /// StatefulSet: what becomes of claims.
        persistent_volume_claim_retention_policy: Option<Opaque> = "persistentVolumeClaimRetentionPolicy",
        /// StatefulSet: first number.
        ordinals: Option<Opaque> = "ordinals",
        /// Job: pods at a time.
        parallelism: Option<Int> = "parallelism",
        /// Job: pods that must succeed.
        completions: Option<Int> = "completions",
        /// Job: time to live.
        active_deadline_seconds: Option<Int> = "activeDeadlineSeconds",
        /// Job: retries.
        backoff_limit: Option<Int> = "backoffLimit",
        /// Job: retries of one index.
        backoff_limit_per_index: Option<Int> = "backoffLimitPerIndex",
        /// Job: failed indexes allowed.
        max_failed_indexes: Option<Int> = "maxFailedIndexes",
        /// Job: which failures count.
        pod_failure_policy: Option<Opaque> = "podFailurePolicy",
        /// Job: when it is done early.
        success_policy: Option<Opaque> = "successPolicy",
        /// Job: own selector.
        manual_selector: Option<At<bool>> = "manualSelector",
        /// Job: when it is deleted.
        ttl_seconds_after_finished: Option<Int> = "ttlSecondsAfterFinished",
        /// Job: NonIndexed or Indexed.
        completion_mode: Option<Text> = "completionMode",
        /// Job: no pods for now.
        suspend: Option<At<bool>> = "suspend",
        /// Job: when a pod is replaced.
        pod_replacement_policy: Option<Text> = "podReplacementPolicy",
        /// Job: its controller.
        managed_by: Option<Text> = "managedBy",
    }
}

message! {
    /// A pod template.
    pub struct PodTemplate {
        /// Metadata of the pods.
        metadata: Option<ObjectMeta> = "metadata",
        /// Containers and settings.
        spec: Option<Box<PodSpec>> = "spec",
    }
}

message! {
    /// A label selector.
    pub struct LabelSelector {
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
    pub struct CronJobSpec {
        /// When, in cron form.
        schedule: Option<Text> = "schedule",
        /// Time zone.
        time_zone: Option<Text> = "timeZone",
        /// The job to make.
        job_template: Option<JobTemplate> = "jobTemplate",
        /// How late it may start.
        starting_deadline_seconds: Option<Int> = "startingDeadlineSeconds",
        /// Whether jobs overlap.
        concurrency_policy: Option<Text> = "concurrencyPolicy",
        /// No jobs for now.
        suspend: Option<At<bool>> = "suspend",
        /// Finished jobs kept.
        successful_jobs_history_limit: Option<Int> = "successfulJobsHistoryLimit",
        /// Failed jobs kept.
        failed_jobs_history_limit: Option<Int> = "failedJobsHistoryLimit",
    }
}

message! {
    /// The job that a CronJob makes.
    pub struct JobTemplate {
        /// Metadata of the jobs.
        metadata: Option<Opaque> = "metadata",
        /// Template and settings of the job.
        spec: Option<WorkloadSpec> = "spec",
    }
}
