//! MurmurHash2 in its 64 bit form, with the seed that the C++ standard library uses: an alternative hash for rings.

const SEED: u64 = 0xc70f_6907;
const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;

fn shift_mix(value: u64) -> u64 {
    value ^ (value >> 47)
}

/// The hash of some bytes.
pub fn murmur(bytes: &[u8]) -> u64 {
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = shift_mix(u64::from_le_bytes(*word).wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
        hash = (hash ^ word).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    }
    shift_mix(shift_mix(hash).wrapping_mul(FACTOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_standard_library() {
        // std::hash<std::string> of GNU libstdc++.
        assert_eq!(murmur(b""), 6_142_509_188_972_423_790);
        assert_eq!(murmur(b"a"), 4_993_892_634_952_068_459);
    }
}
