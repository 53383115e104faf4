//! `google.api.expr.v1alpha1.Expr`: an expression as a tree.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapEntryExpr, MapExpr,
    SelectExpr, operators,
};
use cel::parser::Expression;

use crate::proto::Reader;

/// Reads the tree. None: a defect was noted.
pub(super) fn read(reader: &Reader<'_>) -> Option<Expression> {
    // Where a part stood in a text that is not here.
    reader.ignore(&["id"]);
    let Some(kind) = reader.choice("expr_kind") else {
        reader.defect("expr_kind", "must be set");
        return None;
    };
    let part = reader.message(&kind)?;
    let expr = match kind.as_str() {
        "const_expr" => Expr::Literal(constant(&part)?),
        "ident_expr" => Expr::Ident(part.need_text("name")?),
        "select_expr" => Expr::Select(SelectExpr {
            operand: Box::new(read(&part.need("operand")?)?),
            field: part.need_text("field")?,
            test: part.flag("test_only"),
        }),
        "call_expr" => Expr::Call(call(&part)?),
        "list_expr" => {
            let elements: Vec<Option<Expression>> = part.list("elements").iter().map(read).collect();
            Expr::List(ListExpr::new(elements.into_iter().collect::<Option<_>>()?))
        }
        "struct_expr" => Expr::Map(map(&part)?),
        "comprehension_expr" => Expr::Comprehension(Box::new(comprehension(&part)?)),
        other => {
            reader.defect(other, "the proxy does not have this kind of expression");
            return None;
        }
    };
    Some(Expression { id: 0, expr })
}

fn constant(reader: &Reader<'_>) -> Option<LiteralValue> {
    let Some(kind) = reader.choice("constant_kind") else {
        reader.defect("constant_kind", "must be set");
        return None;
    };
    Some(match kind.as_str() {
        "null_value" => {
            reader.ignore(&["null_value"]); // It has one value.
            LiteralValue::Null
        }
        "bool_value" => LiteralValue::Boolean(reader.flag(&kind).into()),
        "int64_value" => LiteralValue::Int(reader.int(&kind).unwrap_or(0).into()),
        "uint64_value" => LiteralValue::UInt(reader.number(&kind).unwrap_or(0).into()),
        "double_value" => LiteralValue::Double(reader.float(&kind).unwrap_or(0.0).into()),
        "string_value" => LiteralValue::String(reader.text(&kind).into()),
        "bytes_value" => LiteralValue::Bytes(reader.bytes(&kind).to_vec().into()),
        // Durations and times are not taken: their presence is a defect.
        _ => return None,
    })
}

fn call(reader: &Reader<'_>) -> Option<CallExpr> {
    let name = reader.need_text("function")?;
    let func_name = match name.as_str() {
        // Names of older trees.
        "_in_" => operators::IN.to_string(),
        "__not_strictly_false__" => operators::NOT_STRICTLY_FALSE.to_string(),
        _ => name,
    };
    let target = match reader.message("target") {
        Some(target) => Some(Box::new(read(&target)?)),
        None => None,
    };
    let args: Vec<Option<Expression>> = reader.list("args").iter().map(read).collect();
    Some(CallExpr { func_name, target, args: args.into_iter().collect::<Option<_>>()? })
}

fn map(reader: &Reader<'_>) -> Option<MapExpr> {
    // A message name or a field key is not taken: expressions make no messages here.
    let entry = |entry: &Reader<'_>| -> Option<IdedEntryExpr> {
        entry.ignore(&["id"]);
        let (key, value) = (read(&entry.need("map_key")?), read(&entry.need("value")?));
        let expr = EntryExpr::MapEntry(MapEntryExpr { key: key?, value: value?, optional: false });
        Some(IdedEntryExpr { id: 0, expr })
    };
    let entries: Vec<Option<IdedEntryExpr>> = reader.list("entries").iter().map(entry).collect();
    Some(MapExpr { entries: entries.into_iter().collect::<Option<_>>()? })
}

fn comprehension(reader: &Reader<'_>) -> Option<ComprehensionExpr> {
    let part = |field| read(&reader.need(field)?);
    Some(ComprehensionExpr {
        iter_var: reader.need_text("iter_var")?,
        iter_var2: reader.opt_text("iter_var2"),
        accu_var: reader.need_text("accu_var")?,
        iter_range: part("iter_range")?,
        accu_init: part("accu_init")?,
        loop_cond: part("loop_condition")?,
        loop_step: part("loop_step")?,
        result: part("result")?,
    })
}
