//! Reading a message field by field. What a field's reader does not take is a defect: nothing is ignored in silence.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value};

use super::{Defects, Fraction, Typed, any, scalar};

/// A message being read.
///
/// Every method that returns a field's value notes that the field was taken. When the reader is dropped, each field that
/// is set and was not taken becomes a defect with its path, unless reading it already failed or seems to have been given
/// up: a defect was noted within it and no field was taken since, or it was not begun when one was noted around it.
#[derive(Debug)]
pub struct Reader<'d> {
    message: DynamicMessage,
    path: String,
    defects: &'d Defects,
    taken: RefCell<BTreeSet<u32>>,
    course: Rc<Course>,
}

/// How reading a message goes.
#[derive(Debug, Default)]
struct Course {
    /// A defect of the message itself was noted.
    failed: Cell<bool>,
    /// A defect was noted within the message, and no field was taken since.
    stopped: Cell<bool>,
    /// That of the message around it.
    around: Option<Rc<Course>>,
}

impl Course {
    fn within(around: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { around: Some(around.clone()), ..Self::default() })
    }

    fn fail(&self) {
        self.failed.set(true);
        let mut around = self.around.as_deref();
        while let Some(course) = around {
            course.stopped.set(true);
            around = course.around.as_deref();
        }
    }

    fn has_ended(&self) -> bool {
        self.failed.get() || self.stopped.get()
    }

    /// Whether reading a message around this one has ended.
    fn has_ended_around(&self) -> bool {
        let mut around = self.around.as_deref();
        while let Some(course) = around {
            if course.has_ended() {
                return true;
            }
            around = course.around.as_deref();
        }
        false
    }
}

impl<'d> Reader<'d> {
    /// Starts reading `message`; `path` is what defects begin with (may be empty).
    pub fn new(message: DynamicMessage, path: impl Into<String>, defects: &'d Defects) -> Self {
        Self::on(message, path.into(), defects, Rc::default())
    }

    fn on(message: DynamicMessage, path: String, defects: &'d Defects, course: Rc<Course>) -> Self {
        Self { message, path, defects, taken: RefCell::default(), course }
    }

    /// Path of this message.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Full name of the message's type.
    pub fn type_name(&self) -> String {
        self.message.descriptor().full_name().to_string()
    }

    /// The message itself, for dumps.
    pub fn raw(&self) -> &DynamicMessage {
        &self.message
    }

    /// A reader of another message that stands for this one: defects keep its path.
    pub fn beside(&self, message: DynamicMessage) -> Self {
        self.child(message, self.path.clone())
    }

    /// Path of a field of this message.
    pub fn at(&self, field: &str) -> String {
        match (self.path.is_empty(), field.is_empty()) {
            (true, _) => field.to_string(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{field}", self.path),
        }
    }

    /// Notes that a field is wrong. `field` may be empty for the message as a whole.
    pub fn defect(&self, field: &str, message: impl Into<String>) {
        self.course.fail();
        self.defects.push(self.at(field), message);
    }

    /// Takes fields that have no effect here, or whose effect another place gives. Say at the call why that is so.
    pub fn ignore(&self, fields: &[&str]) {
        for field in fields {
            let _ = self.field(field);
        }
    }

    /// Takes everything: for messages that are recognised and harmless as a whole.
    pub fn ignore_all(&self) {
        self.taken.borrow_mut().extend(self.message.descriptor().fields().map(|field| field.number()));
    }

    /// Whether the field is set, without taking it.
    pub fn has(&self, field: &str) -> bool {
        self.message.has_field_by_name(field)
    }

    fn field(&self, name: &str) -> Option<FieldDescriptor> {
        let field = self.message.descriptor().get_field_by_name(name);
        match &field {
            Some(field) => {
                self.taken.borrow_mut().insert(field.number());
                self.course.stopped.set(false);
            }
            None => self.defect(name, format!("{} has no such field (a mistake in the proxy)", self.type_name())),
        }
        field
    }

    fn value(&self, name: &str) -> Option<Value> {
        let field = self.field(name)?;
        self.message.has_field(&field).then(|| self.message.get_field(&field).into_owned())
    }

    /// A scalar, or the `value` of a wrapper message such as `UInt32Value`.
    fn scalar(&self, name: &str) -> Option<Value> {
        match self.value(name)? {
            Value::Message(wrapper) => Some(wrapper.get_field_by_name("value")?.into_owned()),
            value => Some(value),
        }
    }

    /// A text; empty when not set.
    pub fn text(&self, name: &str) -> String {
        self.opt_text(name).unwrap_or_default()
    }

    /// A text, none when not set or empty.
    pub fn opt_text(&self, name: &str) -> Option<String> {
        self.scalar(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_string)
    }

    /// A text that must be there.
    pub fn need_text(&self, name: &str) -> Option<String> {
        let text = self.opt_text(name);
        if text.is_none() {
            self.defect(name, "must not be empty");
        }
        text
    }

    /// A truth value; false when not set.
    pub fn flag(&self, name: &str) -> bool {
        self.opt_flag(name).unwrap_or(false)
    }

    /// A truth value, or none when not set. Plain proto3 fields cannot tell `false` from unset.
    pub fn opt_flag(&self, name: &str) -> Option<bool> {
        self.scalar(name)?.as_bool()
    }

    /// A number without sign, plain or wrapped; none when not set (a plain 0 is not set).
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.scalar(name)? {
            Value::U32(number) => Some(number.into()),
            Value::U64(number) => Some(number),
            Value::I32(number) => u64::try_from(number).ok(),
            Value::I64(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    /// The same as [`Reader::number`] for 32 bits.
    pub fn u32(&self, name: &str) -> Option<u32> {
        self.number(name).and_then(|number| u32::try_from(number).ok())
    }

    /// A signed number, plain or wrapped.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.scalar(name)? {
            Value::I32(number) => Some(number.into()),
            Value::I64(number) => Some(number),
            Value::U32(number) => Some(number.into()),
            _ => None,
        }
    }

    /// A number with a fraction, plain or wrapped, or the `value` of `envoy.type.v3.Percent`.
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.scalar(name)? {
            Value::F64(number) => Some(number),
            Value::F32(number) => Some(number.into()),
            _ => None,
        }
    }

    /// Bytes, empty when not set.
    pub fn bytes(&self, name: &str) -> bytes::Bytes {
        self.scalar(name).and_then(|value| value.as_bytes().cloned()).unwrap_or_default()
    }

    /// Name of an enum's value as in the `.proto` file; the first value when not set.
    /// A number that the enum does not have is a defect and reads as the first value.
    pub fn word(&self, name: &str) -> String {
        let Some(field) = self.field(name) else { return String::new() };
        let Kind::Enum(words) = field.kind() else { return String::new() };
        let number = self.message.get_field(&field).as_enum_number().unwrap_or(0);
        if let Some(word) = words.get_value(number) {
            return word.name().to_string();
        }
        self.defect(name, format!("{number} is no value of {}", words.full_name()));
        words.default_value().name().to_string()
    }

    /// A duration, none when not set. Negative ones are a defect.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        let Value::Message(message) = self.value(name)? else { return None };
        let duration = scalar::duration(&message);
        if duration.is_none() {
            self.defect(name, "the duration must not be negative");
        }
        duration
    }

    /// `FractionalPercent`, or the default value of `RuntimeFractionalPercent` (there are no runtime overrides here).
    pub fn fraction(&self, name: &str) -> Option<Fraction> {
        let Value::Message(message) = self.value(name)? else { return None };
        let inner = message.get_field_by_name("default_value").map(std::borrow::Cow::into_owned);
        match inner {
            Some(Value::Message(inner)) => Some(Fraction::of(&inner)),
            _ => Some(Fraction::of(&message)),
        }
    }

    /// A message, none when not set.
    pub fn message(&self, name: &str) -> Option<Reader<'d>> {
        match self.value(name)? {
            Value::Message(message) => Some(self.child(message, self.at(name))),
            _ => None,
        }
    }

    /// A message that must be there.
    pub fn need(&self, name: &str) -> Option<Reader<'d>> {
        let message = self.message(name);
        if message.is_none() {
            self.defect(name, "must be set");
        }
        message
    }

    fn child(&self, message: DynamicMessage, path: String) -> Reader<'d> {
        Reader::on(message, path, self.defects, Course::within(&self.course))
    }

    /// The messages of a repeated field, in order.
    pub fn list(&self, name: &str) -> Vec<Reader<'d>> {
        let Some(Value::List(values)) = self.value(name) else { return Vec::new() };
        let values = values.into_iter().enumerate();
        values
            .filter_map(|(index, value)| match value {
                Value::Message(message) => Some(self.child(message, format!("{}[{index}]", self.at(name)))),
                _ => None,
            })
            .collect()
    }

    /// The texts of a repeated field, in order.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let Some(Value::List(values)) = self.value(name) else { return Vec::new() };
        values.iter().filter_map(|value| value.as_str().map(str::to_string)).collect()
    }

    /// The numbers with a fraction of a repeated field, in order.
    pub fn floats(&self, name: &str) -> Vec<f64> {
        let Some(Value::List(values)) = self.value(name) else { return Vec::new() };
        values.iter().filter_map(|value| value.as_f64().or_else(|| value.as_f32().map(f64::from))).collect()
    }

    /// The numbers of a repeated field, in order; those of an enum by number.
    pub fn numbers(&self, name: &str) -> Vec<u64> {
        let Some(Value::List(values)) = self.value(name) else { return Vec::new() };
        let number = |value: &Value| match value {
            Value::U32(number) => Some(u64::from(*number)),
            Value::U64(number) => Some(*number),
            Value::I32(number) | Value::EnumNumber(number) => u64::try_from(*number).ok(),
            Value::I64(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        values.iter().filter_map(number).collect()
    }

    /// A map from text to message, in the order of its keys.
    pub fn map(&self, name: &str) -> BTreeMap<String, Reader<'d>> {
        let Some(Value::Map(entries)) = self.value(name) else { return BTreeMap::new() };
        let entries: BTreeMap<String, Value> = entries.into_iter().filter_map(named).collect();
        let mut read = BTreeMap::new();
        for (key, value) in entries {
            if let Value::Message(message) = value {
                let path = format!("{}[{key:?}]", self.at(name));
                read.insert(key, self.child(message, path));
            }
        }
        read
    }

    /// A map from text to text.
    pub fn text_map(&self, name: &str) -> BTreeMap<String, String> {
        let Some(Value::Map(entries)) = self.value(name) else { return BTreeMap::new() };
        let entries = entries.into_iter().filter_map(named);
        entries.filter_map(|(key, value)| value.as_str().map(|text| (key, text.to_string()))).collect()
    }

    /// Opens an `Any` field: the full name of its type and a reader of its content. One that does not open is a defect.
    pub fn any(&self, name: &str) -> Option<(String, Reader<'d>)> {
        let reader = self.message(name)?;
        reader.open()
    }

    /// If this message is an `Any`, its content; otherwise itself.
    pub fn open(self) -> Option<(String, Reader<'d>)> {
        if !any::is_any(&self.message) {
            let name = self.type_name();
            return Some((name, self.child(self.message.clone(), self.path.clone()).retire(&self)));
        }
        self.ignore_all();
        match Typed::open(&self.message) {
            Ok(typed) => Some((typed.name, self.child(typed.message, self.path.clone()))),
            Err(error) => {
                self.defect("", error);
                None
            }
        }
    }

    /// Lets `old` go without a word: this reader took its place.
    fn retire(self, old: &Reader<'d>) -> Self {
        old.ignore_all();
        self
    }

    /// Name of the field that is set in a oneof, none when none is. The field itself is not taken.
    pub fn choice(&self, oneof: &str) -> Option<String> {
        let descriptor = self.message.descriptor();
        let Some(choice) = descriptor.oneofs().find(|choice| choice.name() == oneof) else {
            self.defect(oneof, format!("{} has no such choice (a mistake in the proxy)", self.type_name()));
            return None;
        };
        choice.fields().find(|field| self.message.has_field(field)).map(|field| field.name().to_string())
    }
}

fn named((key, value): (MapKey, Value)) -> Option<(String, Value)> {
    match key {
        MapKey::String(key) => Some((key, value)),
        _ => None,
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let taken = self.taken.borrow();
        let unbegun = taken.is_empty() && self.course.has_ended_around();
        if unbegun || self.course.has_ended() {
            return;
        }
        for (field, _) in self.message.fields() {
            if !taken.contains(&field.number()) {
                self.defects.push(self.at(field.name()), "the proxy does not have this feature");
            }
        }
        if let Some(unknown) = self.message.unknown_fields().next() {
            let sentence = format!("holds field number {}, which the proxy does not know", unknown.number());
            self.defects.push(self.path.clone(), sentence);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::from_json;

    const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";

    fn defects(read: impl FnOnce(&Reader<'_>) -> Option<()>) -> Vec<String> {
        let message = from_json(
            CLUSTER,
            &json!({"name": "c", "common_lb_config": {"healthy_panic_threshold": {"value": 3}},
                    "eds_cluster_config": {"service_name": "s"}, "lrs_server": {"ads": {}}}),
        );
        let defects = Defects::new();
        let reader = Reader::new(message.unwrap(), "", &defects);
        let read = read(&reader);
        drop(reader);
        let found = defects.verdict(read).err().unwrap_or_default();
        found.into_iter().map(|defect| defect.path).collect()
    }

    /// Reads a message and finds it wrong.
    fn wrong(reader: &Reader<'_>) -> Option<()> {
        reader.message("healthy_panic_threshold")?.defect("value", "is wrong");
        None
    }

    #[test]
    fn what_nobody_took_is_a_defect() {
        let unread = ["common_lb_config", "eds_cluster_config", "lrs_server"];
        assert_eq!(defects(|reader| reader.need_text("name").map(drop)), unread);
        let untouched = defects(|reader| {
            reader.ignore(&["name", "eds_cluster_config", "lrs_server"]);
            reader.message("common_lb_config").map(drop)
        });
        assert_eq!(untouched, ["common_lb_config.healthy_panic_threshold"]);
    }

    #[test]
    fn a_reading_that_was_given_up_says_nothing_of_what_it_left() {
        let given_up = defects(|reader| {
            let later = reader.message("eds_cluster_config");
            wrong(&reader.message("common_lb_config")?)?;
            later.map(|later| drop(later.text("service_name")))
        });
        assert_eq!(given_up, ["common_lb_config.healthy_panic_threshold.value"]);
    }

    #[test]
    fn a_reading_that_went_on_says_what_it_left() {
        let went_on = defects(|reader| {
            let common = wrong(&reader.message("common_lb_config")?);
            reader.ignore(&["name", "eds_cluster_config"]);
            common
        });
        assert_eq!(went_on, ["common_lb_config.healthy_panic_threshold.value", "lrs_server"]);
    }
}
