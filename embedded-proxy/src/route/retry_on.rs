//! The words of `retry_on`, `x-envoy-retry-on` and `x-envoy-retry-grpc-on`.

/// A set of conditions under which a request is tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetryOn(u32);

macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident = $bit:literal, $word:literal, $grpc:literal;)*) => {
        impl RetryOn {
            $($(#[doc = $doc])* pub const $name: Self = Self(1 << $bit);)*
        }

        /// Condition, word, and whether it is one of gRPC.
        const WORDS: &[(RetryOn, &str, bool)] = &[$((RetryOn::$name, $word, $grpc),)*];
    };
}

words! {
    /// Any 5xx, and no answer at all.
    SERVER_ERROR = 0, "5xx", false;
    /// 502, 503, 504, and no answer at all.
    GATEWAY_ERROR = 1, "gateway-error", false;
    /// No connection.
    CONNECT_FAILURE = 2, "connect-failure", false;
    /// 409.
    RETRIABLE_4XX = 3, "retriable-4xx", false;
    /// The peer refused the stream.
    REFUSED_STREAM = 4, "refused-stream", false;
    /// A status of the list.
    STATUS_CODES = 5, "retriable-status-codes", false;
    /// No answer at all.
    RESET = 6, "reset", false;
    /// No answer, and nothing of the request was sent.
    RESET_BEFORE_REQUEST = 7, "reset-before-request", false;
    /// A field of the response.
    HEADERS = 8, "retriable-headers", false;
    /// The answer says that it was rate limited by another Envoy.
    RATE_LIMITED = 9, "envoy-ratelimited", false;
    /// HTTP/3 failed after the handshake: never happens here.
    HTTP3 = 10, "http3-post-connect-failure", false;
    /// gRPC status 1.
    CANCELLED = 11, "cancelled", true;
    /// gRPC status 4.
    DEADLINE_EXCEEDED = 12, "deadline-exceeded", true;
    /// gRPC status 8.
    RESOURCE_EXHAUSTED = 13, "resource-exhausted", true;
    /// gRPC status 14.
    UNAVAILABLE = 14, "unavailable", true;
    /// gRPC status 13.
    INTERNAL = 15, "internal", true;
}

impl RetryOn {
    /// No condition.
    pub const NONE: Self = Self(0);
    const OF_GRPC: Self = Self(0b11111 << 11);

    /// The words of a configuration, both kinds in one list. Words that Envoy does not know are skipped, as it does.
    pub fn parse(text: &str) -> Self {
        parse(text, |_| true)
    }

    /// The words of `x-envoy-retry-on`.
    pub fn of_http(text: &str) -> Self {
        parse(text, |grpc| !grpc)
    }

    /// The words of `x-envoy-retry-grpc-on`.
    pub fn of_grpc(text: &str) -> Self {
        parse(text, |grpc| grpc)
    }

    /// Both sets.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of these conditions is in.
    pub fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// The words of the set, in Envoy's spelling.
    pub fn words(self) -> Vec<&'static str> {
        WORDS.iter().filter(|(condition, _, _)| self.has(*condition)).map(|(_, word, _)| *word).collect()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a gRPC status is one to try again.
    pub fn takes_grpc(self, status: u32) -> bool {
        self.has(match status {
            1 => Self::CANCELLED,
            4 => Self::DEADLINE_EXCEEDED,
            8 => Self::RESOURCE_EXHAUSTED,
            13 => Self::INTERNAL,
            14 => Self::UNAVAILABLE,
            _ => Self::NONE,
        })
    }

    /// Whether a gRPC status can matter at all.
    pub fn looks_at_grpc(self) -> bool {
        self.has(Self::OF_GRPC)
    }
}

fn parse(text: &str, takes: impl Fn(bool) -> bool) -> RetryOn {
    let words = text.split(',').map(str::trim);
    let known = words.filter_map(|word| WORDS.iter().find(|(_, known, grpc)| *known == word && takes(*grpc)));
    known.fold(RetryOn::NONE, |set, (one, ..)| set.union(*one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_where_they_belong() {
        let set = RetryOn::parse("5xx, cancelled,unknown");
        assert!(set.has(RetryOn::SERVER_ERROR) && set.has(RetryOn::CANCELLED) && !set.has(RetryOn::RESET));
        assert_eq!(RetryOn::of_http("cancelled,reset"), RetryOn::RESET);
        assert_eq!(RetryOn::of_grpc("cancelled,reset"), RetryOn::CANCELLED);
        assert!(RetryOn::parse("").is_empty());
    }

    #[test]
    fn grpc_statuses_have_their_words() {
        for (word, status) in [
            ("cancelled", 1),
            ("deadline-exceeded", 4),
            ("resource-exhausted", 8),
            ("internal", 13),
            ("unavailable", 14),
        ] {
            let set = RetryOn::parse(word);
            assert!(set.looks_at_grpc() && set.takes_grpc(status) && !set.takes_grpc(2), "{word}");
        }
    }
}
