//! Sends a request as bytes and reads the answers.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bytes::Bytes;

use super::scenario::Request;

/// What came back for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status, 0 when the connection ended without one.
    pub status: u16,
    /// Fields, sorted; `date` and the like left out.
    pub fields: Vec<String>,
    /// Body.
    pub body: String,
    /// Trailers, sorted.
    pub trailers: Vec<String>,
    /// How the message ended when not as it should.
    pub trouble: Option<String>,
}

impl Answer {
    fn nothing(trouble: impl Into<String>) -> Self {
        Self { status: 0, fields: Vec::new(), body: String::new(), trailers: Vec::new(), trouble: Some(trouble.into()) }
    }
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the proxy on `port` and returns its answers in order.
pub fn ask(port: u16, request: &Request) -> Vec<Answer> {
    if request.h2 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        return runtime.block_on(async {
            match tokio::time::timeout(PATIENCE, ask_h2(port, request)).await {
                Ok(Ok(answers)) => answers,
                Ok(Err(error)) => vec![Answer::nothing(format!("h2: {error}"))],
                Err(_) => vec![Answer::nothing("no answer in time")],
            }
        });
    }
    ask_h1(port, request).unwrap_or_else(|error| vec![Answer::nothing(error.kind().to_string())])
}

fn ask_h1(port: u16, request: &Request) -> std::io::Result<Vec<Answer>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let raw = request.raw.is_some() || !request.parts.is_empty();
    let parts = if request.parts.is_empty() { vec![encode(request)] } else { request.parts.clone() };
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            std::thread::sleep(Duration::from_millis(30));
        }
        // A proxy may have answered and closed already.
        if stream.write_all(part.as_bytes()).is_err() {
            break;
        }
    }
    if request.half_close {
        stream.shutdown(Shutdown::Write)?;
    }
    let method = request.method.as_deref().unwrap_or("GET");
    let head = method == "HEAD" || raw && parts[0].starts_with("HEAD ");
    let mut buffer = Vec::new();
    let wanted = request.times.unwrap_or(1);
    let mut answers = Vec::new();
    for index in 0..wanted {
        let answer = read_answer(&mut stream, &mut buffer, head);
        let ended = answer.trouble.is_some();
        answers.push(answer);
        if ended {
            break;
        }
        if !raw && index + 1 < wanted {
            stream.write_all(encode(request).as_bytes())?;
        }
    }
    Ok(answers)
}

fn encode(request: &Request) -> String {
    if let Some(raw) = &request.raw {
        return raw.clone();
    }
    let method = request.method.as_deref().unwrap_or("GET");
    let host = request.host.as_deref().unwrap_or("test.local");
    let mut text = format!("{method} {} HTTP/1.1\r\nhost: {host}\r\n", request.path);
    for field in &request.headers {
        text.push_str(field);
        text.push_str("\r\n");
    }
    match &request.body {
        Some(body) if request.chunked => {
            text.push_str("transfer-encoding: chunked\r\n\r\n");
            for piece in body.as_bytes().chunks(10) {
                text.push_str(&format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
            }
            text.push_str("0\r\n\r\n");
        }
        Some(body) => text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len())),
        None => text.push_str("\r\n"),
    }
    text
}

/// Fields whose values differ from run to run.
const VARYING: [&str; 4] = ["date", "x-envoy-upstream-service-time", "x-forwarded-port", "x-request-id"];

fn kept(name: &str, value: &str) -> String {
    // What is left of the timeout after a retry.
    let left = name == "x-envoy-expected-rq-timeout-ms" && (value.starts_with("149") || value == "15000");
    if left || VARYING.contains(&name) { format!("{name}: *") } else { format!("{name}: {value}") }
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), String> {
    let mut bytes = [0; 16 * 1024];
    match stream.read(&mut bytes) {
        Ok(0) => Err("closed".into()),
        Ok(count) => {
            buffer.extend_from_slice(&bytes[..count]);
            Ok(())
        }
        Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
            Err("no answer in time".into())
        }
        // A connection that ends before the proxy has read all that came is reset, one that ends after is closed: a race
        // in either proxy.
        Err(_) => Err("closed".into()),
    }
}

fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, head: bool) -> Answer {
    let (status, fields) = loop {
        match parse_head(buffer) {
            Some((100, _, length)) => {
                buffer.drain(..length);
            }
            Some((status, fields, length)) => {
                buffer.drain(..length);
                break (status, fields);
            }
            None => {
                if let Err(trouble) = more(stream, buffer) {
                    return Answer::nothing(trouble);
                }
            }
        }
    };
    let field = |name: &str| fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let mut trouble = None;
    let mut body = Vec::new();
    let mut trailers = Vec::new();
    if head || status == 204 || status == 304 {
    } else if status == 101
        || status == 200 && field("content-length").is_none() && field("transfer-encoding").is_none()
    {
        let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
        while more(stream, buffer).is_ok() {}
        body = std::mem::take(buffer);
    } else if field("transfer-encoding").is_some() {
        let read = read_chunked(stream, buffer, &mut body, &mut trailers);
        trouble = read.err();
    } else {
        let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while buffer.len() < length && trouble.is_none() {
            trouble = more(stream, buffer).err();
        }
        body = buffer.drain(..length.min(buffer.len())).collect();
    }
    let mut fields: Vec<String> = fields.iter().map(|(name, value)| kept(name, value)).collect();
    fields.sort();
    Answer { status, fields, body: normal(&body), trailers, trouble }
}

/// A body as text; what varies within the origin's report is starred.
fn normal(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = |line: &str| match line.split_once(": ") {
        Some((name, value)) if name.starts_with("x-") => kept(name, value),
        _ => line.to_string(),
    };
    if text.contains("HTTP/1.1\n") {
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    } else {
        text.into_owned()
    }
}

type Head = (u16, Vec<(String, String)>, usize);

fn parse_head(buffer: &[u8]) -> Option<Head> {
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => {
            let fields = response.headers.iter();
            let fields =
                fields.map(|field| (field.name.to_lowercase(), String::from_utf8_lossy(field.value).into_owned()));
            Some((response.code?, fields.collect(), length))
        }
        _ => None,
    }
}

fn read_line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<String, String> {
    loop {
        if let Some(end) = buffer.windows(2).position(|two| two == b"\r\n") {
            let line = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 2);
            return Ok(line);
        }
        more(stream, buffer)?;
    }
}

fn read_chunked(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    body: &mut Vec<u8>,
    trailers: &mut Vec<String>,
) -> Result<(), String> {
    loop {
        let line = read_line(stream, buffer)?;
        let size = usize::from_str_radix(&line, 16).map_err(|_| format!("bad chunk size {line:?}"))?;
        if size == 0 {
            break;
        }
        while buffer.len() < size + 2 {
            more(stream, buffer)?;
        }
        body.extend(buffer.drain(..size + 2).take(size));
    }
    loop {
        let line = read_line(stream, buffer)?;
        if line.is_empty() {
            trailers.sort();
            return Ok(());
        }
        trailers.push(line);
    }
}

async fn ask_h2(port: u16, request: &Request) -> Result<Vec<Answer>, Box<dyn std::error::Error>> {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut sender, connection) = h2::client::handshake(stream).await?;
    let driver = tokio::spawn(connection);
    let mut answers = Vec::new();
    for _ in 0..request.times.unwrap_or(1) {
        let host = request.host.as_deref().unwrap_or("test.local");
        let method = request.method.as_deref().unwrap_or("GET");
        let mut head = http::Request::builder().method(method).version(http::Version::HTTP_2);
        // A plain CONNECT has neither scheme nor path.
        let connect = method == "CONNECT" && request.path.is_empty();
        head = head.uri(if connect { host.to_string() } else { format!("http://{host}{}", request.path) });
        for field in &request.headers {
            let (name, value) = field.split_once(':').unwrap_or((field, ""));
            head = head.header(name, value.trim());
        }
        let Ok(head) = head.body(()) else { return Ok(vec![Answer::nothing("not a request")]) };
        sender = sender.ready().await?;
        let ends = request.body.is_none() && request.trailers.is_empty();
        let (response, mut body) = sender.send_request(head, ends)?;
        if !ends {
            let bytes = Bytes::from(request.body.clone().unwrap_or_default());
            body.send_data(bytes, request.trailers.is_empty())?;
            if !request.trailers.is_empty() {
                body.send_trailers(request.trailers.iter().map(|field| pair(field)).collect())?;
            }
        }
        answers.push(read_h2(response).await);
    }
    drop(sender);
    driver.abort();
    Ok(answers)
}

fn pair(field: &str) -> (http::HeaderName, http::HeaderValue) {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    (name.parse().expect("a name"), value.trim().parse().expect("a value"))
}

fn texts(map: &http::HeaderMap) -> Vec<String> {
    let mut fields: Vec<String> =
        map.iter().map(|(name, value)| kept(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))).collect();
    fields.sort();
    fields
}

async fn read_h2(response: h2::client::ResponseFuture) -> Answer {
    let response = match response.await {
        Ok(response) => response,
        Err(error) => return Answer::nothing(format!("h2: {:?}", error.reason())),
    };
    let (head, mut body) = response.into_parts();
    let mut answer = Answer {
        status: head.status.as_u16(),
        fields: texts(&head.headers),
        body: String::new(),
        trailers: Vec::new(),
        trouble: None,
    };
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => {
                let _ = body.flow_control().release_capacity(data.len());
                bytes.extend_from_slice(&data);
            }
            Err(error) => {
                answer.trouble = Some(format!("h2: {:?}", error.reason()));
                break;
            }
        }
    }
    answer.body = normal(&bytes);
    if answer.trouble.is_none()
        && let Ok(Some(trailers)) = body.trailers().await
    {
        answer.trailers = texts(&trailers);
    }
    answer
}
