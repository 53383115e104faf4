//! Response flags: Envoy's short words for why an exchange went wrong.

use std::fmt;

macro_rules! flags {
    ($($(#[doc = $doc:literal])* $name:ident = $short:literal, $long:literal;)*) => {
        /// Why an exchange did not go well.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Flag { $($(#[doc = $doc])* $name,)* }

        impl Flag {
            /// All flags.
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
    /// The control plane asked to drop a share of the requests.
    DropOverload = "DO", "DropOverload";
    /// The control plane asked to drop all requests.
    UnconditionalDropOverload = "UDO", "UnconditionalDropOverload";
}

/// Bits of one flag in a set.
const BITS: u32 = 5;
/// Most flags of a set; an exchange never collects more.
const MOST: u32 = 64 / BITS;

/// A set of flags: their numbers, counted from 1, in the order in which they were set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u64);

impl Flags {
    /// Adds one.
    pub fn set(&mut self, flag: Flag) {
        let place = u32::try_from(self.iter().count()).unwrap_or(MOST);
        if place < MOST && !self.has(flag) {
            self.0 |= (flag as u64 + 1) << (place * BITS);
        }
    }

    /// Whether it is in.
    pub fn has(self, flag: Flag) -> bool {
        self.iter().any(|other| other == flag)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags in the order in which they were set, which is how Envoy prints them.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        let numbers = (0..MOST).map(move |place| (self.0 >> (place * BITS)) & ((1 << BITS) - 1));
        numbers.take_while(|number| *number != 0).filter_map(|number| {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            Flag::ALL.get(index).copied()
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_print_in_the_order_they_were_set() {
        let mut flags = Flags::default();
        assert_eq!(flags.to_string(), "-");
        for flag in
            [Flag::UpstreamRetryLimitExceeded, Flag::UpstreamConnectionFailure, Flag::UpstreamRetryLimitExceeded]
        {
            flags.set(flag);
        }
        assert_eq!(flags.to_string(), "URX,UF");
        assert!(flags.has(Flag::UpstreamConnectionFailure) && !flags.has(Flag::NoRouteFound));
    }

    #[test]
    fn a_set_takes_as_many_as_it_can_hold_and_every_flag_fits() {
        let mut flags = Flags::default();
        for flag in Flag::ALL {
            flags.set(*flag);
        }
        assert_eq!(flags.iter().count(), MOST as usize);
        assert!(Flag::ALL.len() < 1 << BITS);
    }
}
