//! Maps of messages in a fixed order.

use std::collections::HashMap;

/// A map that is encoded in the order of its keys.
///
/// The generated messages have hash maps, which are encoded in the order of their iteration, and that differs from map to
/// map. Resources must be the same bytes each time; so maps are made until one has the wanted order. They have at most a
/// handful of keys: three need six tries on average. A larger map is taken as it comes after a bounded number of tries.
pub fn ordered<V: Clone>(entries: impl IntoIterator<Item = (String, V)>) -> HashMap<String, V> {
    let entries: Vec<(String, V)> = entries.into_iter().collect();
    let mut map: HashMap<String, V> = entries.iter().cloned().collect();
    for _ in 0..10_000 {
        if map.keys().is_sorted() {
            break;
        }
        map = entries.iter().cloned().collect();
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_order_each_time() {
        for _ in 0..50 {
            let map = ordered(["d", "b", "a", "c"].map(|key| (key.to_owned(), 1)));
            assert!(map.keys().is_sorted() && map.len() == 4);
            assert!(map.clone().keys().is_sorted(), "a copy has the same order");
        }
    }
}
