//! Choice of the endpoint: simple policies, hashing, locality, warmup.

use super::rules::{DURATION, UINT32};
use crate::schema::{At, Int, List, Map, Number, Period, Text};
use crate::{choice, message};

message! {
    /// How an endpoint is chosen.
    pub struct LoadBalancerSettings {
        /// A policy without settings.
        simple: Option<At<SimpleLb>> = "simple",
        /// The same endpoint for the same caller.
        consistent_hash: Option<ConsistentHashLb> = "consistentHash",
        /// Preference of near endpoints.
        locality_lb_setting: Option<Box<LocalityLbSetting>> = "localityLbSetting",
        /// Preference of near endpoints by zone.
        zone_aware_lb_setting: Option<Box<ZoneAwareLbSetting>> = "zoneAwareLbSetting",
        /// Old form of `warmup`.
        warmup_duration_secs: Option<At<Period>> = "warmupDurationSecs" [DURATION],
        /// Slow growth of traffic to new endpoints.
        warmup: Option<WarmupConfiguration> = "warmup",
    } rules [AtMostOne(&["simple", "consistentHash"])]
}

choice! {
    /// Policies without settings.
    pub enum SimpleLb {
        /// As the mesh is set.
        Unspecified = "UNSPECIFIED",
        /// Old name of `LEAST_REQUEST`.
        LeastConn = "LEAST_CONN",
        /// By chance.
        Random = "RANDOM",
        /// The address that the caller asked for.
        Passthrough = "PASSTHROUGH",
        /// One after the other.
        RoundRobin = "ROUND_ROBIN",
        /// The less busy of two taken by chance.
        LeastRequest = "LEAST_REQUEST",
    }
}

message! {
    /// The same endpoint for the same caller, by a hash of one property.
    pub struct ConsistentHashLb {
        /// By a header.
        http_header_name: Option<Text> = "httpHeaderName",
        /// By a cookie, which is made when it is missing.
        http_cookie: Option<HttpCookie> = "httpCookie",
        /// By the caller's address.
        use_source_ip: Option<At<bool>> = "useSourceIp",
        /// By a query parameter.
        http_query_parameter_name: Option<Text> = "httpQueryParameterName",
        /// With a ring of hashes.
        ring_hash: Option<RingHash> = "ringHash",
        /// With Maglev's table.
        maglev: Option<Maglev> = "maglev",
        /// Old form of `ringHash.minimumRingSize`.
        minimum_ring_size: Option<Int> = "minimumRingSize" [Min(0.0)],
    } rules [
        AtMostOne(&["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"]),
        AtMostOne(&["ringHash", "maglev"]),
    ]
}

message! {
    /// A cookie to hash by.
    pub struct HttpCookie {
        /// Name.
        name: Option<Text> = "name" [Required],
        /// Path of a cookie that is made.
        path: Option<Text> = "path",
        /// Lifetime of a cookie that is made; 0s makes a session cookie.
        ttl: Option<At<Period>> = "ttl",
        /// Further attributes of a cookie that is made.
        attributes: List<CookieAttribute> = "attributes",
    }
}

message! {
    /// One attribute of a cookie.
    pub struct CookieAttribute {
        /// Name.
        name: Option<Text> = "name" [Required],
        /// Value.
        value: Option<Text> = "value",
    }
}

message! {
    /// A ring of hashes.
    pub struct RingHash {
        /// Least number of virtual nodes.
        minimum_ring_size: Option<Int> = "minimumRingSize" [Min(0.0)],
    }
}

message! {
    /// Maglev's table.
    pub struct Maglev {
        /// Size, a prime number.
        table_size: Option<Int> = "tableSize" [Min(0.0)],
    }
}

message! {
    /// Preference of near endpoints.
    pub struct LocalityLbSetting {
        /// Shares by the caller's locality.
        distribute: List<LocalityDistribute> = "distribute",
        /// Where the traffic of a region goes when it has no healthy endpoint.
        failover: List<LocalityFailover> = "failover",
        /// Labels by which endpoints are ordered.
        failover_priority: List<Text> = "failoverPriority",
        /// Turns it on or off for this rule.
        enabled: Option<At<bool>> = "enabled",
    }
}

message! {
    /// Shares of one caller's locality.
    pub struct LocalityDistribute {
        /// The caller's locality: `region/zone/subzone`, `*` at the end.
        from: Option<Text> = "from",
        /// Percentage by locality of the endpoints.
        to: Map<Int> = "to" [Test(
            "self.all(key, 0 <= self[key] && self[key] <= 4294967295)",
            "must have weights from 0 to 4294967295",
            |node| node.entries().iter().all(|entry| UINT32.broken_by(&entry.node).is_none()),
        )],
    }
}

message! {
    /// Where the traffic of one region goes when it has no healthy endpoint.
    pub struct LocalityFailover {
        /// The caller's region.
        from: Option<Text> = "from",
        /// The region to use then.
        to: Option<Text> = "to",
    }
}

message! {
    /// Preference of near endpoints by zone.
    pub struct ZoneAwareLbSetting {
        /// Turns it on or off.
        enabled: Option<At<bool>> = "enabled",
        /// Where the traffic of a region goes when it has no healthy endpoint.
        failover: List<LocalityFailover> = "failover",
        /// Labels by which endpoints are ordered.
        failover_priority: List<Text> = "failoverPriority",
        /// Least number of endpoints for it to work.
        min_cluster_size: Option<Int> = "minClusterSize" [Range(1.0, 4_294_967_295.0)],
    }
}

message! {
    /// Slow growth of traffic to new endpoints.
    pub struct WarmupConfiguration {
        /// How long it takes.
        duration: Option<At<Period>> = "duration" [Required, DURATION],
        /// Percentage at the start; 10 when not set.
        minimum_percent: Option<Number> = "minimumPercent" [Range(0.0, 100.0)],
        /// Shape of the growth; 1 is linear.
        aggression: Option<Number> = "aggression" [Min(0.0)],
    }
}
