//! Response flags: Envoy's short words for why an exchange went wrong.

use std::fmt;

macro_rules! flags {
    ($($(#[doc = $doc:literal])* $name:ident = $short:literal, $long:literal;)*) => {
        /// Why an exchange did not go well.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Flag { $($(#[doc = $doc])* $name,)* }

        impl Flag {
            /// All flags, in the order in which `%RESPONSE_FLAGS%` prints them.
            pub const ALL: &'static [Flag] = &[$(Flag::$name,)*];

            /// As `%RESPONSE_FLAGS%` prints it.
            pub fn short(self) -> &'static str {
                match self { $(Flag::$name => $short,)* }
            }

            /// As `%RESPONSE_FLAGS_LONG%` prints it.
            pub fn long(self) -> &'static str {
                match self { $(Flag::$name => $long,)* }
            }
        }
    };
}

flags! {
    /// The local health check failed.
    FailedLocalHealthCheck = "LH", "FailedLocalHealthCheck";
    /// No healthy upstream host.
    NoHealthyUpstream = "UH", "NoHealthyUpstream";
    /// The upstream request timed out.
    UpstreamRequestTimeout = "UT", "UpstreamRequestTimeout";
    /// This side reset the stream.
    LocalReset = "LR", "LocalReset";
    /// The upstream reset the stream.
    UpstreamRemoteReset = "UR", "UpstreamRemoteReset";
    /// The upstream connection could not be made.
    UpstreamConnectionFailure = "UF", "UpstreamConnectionFailure";
    /// The upstream connection was closed.
    UpstreamConnectionTermination = "UC", "UpstreamConnectionTermination";
    /// A circuit breaker is open.
    UpstreamOverflow = "UO", "UpstreamOverflow";
    /// No route matched.
    NoRouteFound = "NR", "NoRouteFound";
    /// A fault was injected: delay.
    DelayInjected = "DI", "DelayInjected";
    /// A fault was injected: abort.
    FaultInjected = "FI", "FaultInjected";
    /// Rate limited.
    RateLimited = "RL", "RateLimited";
    /// The external authorization service refused.
    UnauthorizedExternalService = "UAEX", "UnauthorizedExternalService";
    /// The rate limit service could not be asked.
    RateLimitServiceError = "RLSE", "RateLimitServiceError";
    /// The client closed the connection.
    DownstreamConnectionTermination = "DC", "DownstreamConnectionTermination";
    /// Retries or connect attempts are used up.
    UpstreamRetryLimitExceeded = "URX", "UpstreamRetryLimitExceeded";
    /// The stream was idle too long.
    StreamIdleTimeout = "SI", "StreamIdleTimeout";
    /// A strictly checked header has an invalid value.
    InvalidEnvoyRequestHeaders = "IH", "InvalidEnvoyRequestHeaders";
    /// The client broke the protocol.
    DownstreamProtocolError = "DPE", "DownstreamProtocolError";
    /// The stream reached its maximum duration upstream.
    UpstreamMaxStreamDurationReached = "UMSDR", "UpstreamMaxStreamDurationReached";
    /// A filter's configuration did not arrive.
    NoFilterConfigFound = "NFCF", "NoFilterConfigFound";
    /// The stream or connection reached its maximum duration.
    DurationTimeout = "DT", "DurationTimeout";
    /// The upstream broke the protocol.
    UpstreamProtocolError = "UPE", "UpstreamProtocolError";
    /// The cluster does not exist.
    NoClusterFound = "NC", "NoClusterFound";
    /// The overload manager refused.
    OverloadManager = "OM", "OverloadManagerTerminated";
    /// DNS resolution failed.
    DnsResolutionFailed = "DF", "DnsResolutionFailed";
    /// The client reset the stream.
    DownstreamRemoteReset = "DR", "DownstreamRemoteReset";
}

/// A set of flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// Adds one.
    pub fn set(&mut self, flag: Flag) {
        self.0 |= 1 << flag as u8;
    }

    /// Whether it is in.
    pub fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u8) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags in print order.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.has(*flag))
    }
}

impl fmt::Display for Flags {
    /// The short words joined by commas, `-` for none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("-");
        }
        let words: Vec<&str> = self.iter().map(Flag::short).collect();
        f.write_str(&words.join(","))
    }
}
