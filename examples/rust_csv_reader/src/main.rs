//! Reads bars from QMT Desk as CSV over HTTP, with a token, using the standard library alone.
//!
//! ```sh
//! cargo run --release -- 127.0.0.1:8000 "$DESK_TOKEN" 600519.SH 20240102 20240131
//! ```
//!
//! Exit codes: 0 bars were read, 1 something is wrong, 2 the platform still downloads them (ask again).
//! Plain HTTP is for the same machine; over a network put the program behind a TLS proxy.

use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(90);
const COLUMNS: &str = "symbol,time,open,high,low,close,volume,amount";

/// One bar: prices in CNY, volume in shares, amount in CNY (absent where the source has none).
#[derive(Debug, Clone, PartialEq)]
struct Bar {
    symbol: String,
    time_ms: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: i64,
    amount: Option<f64>,
}

#[derive(Debug)]
enum Failure {
    Io(io::Error),
    /// Another status than 200, with the platform's own words.
    Status(u16, String),
    /// The answer is not what was asked for: line and reason.
    Malformed(usize, String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Io(error) => write!(out, "the platform cannot be read: {error}"),
            Failure::Status(status, body) => write!(out, "the platform answered {status}: {body}"),
            Failure::Malformed(line, reason) => write!(out, "line {line}: {reason}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

/// Ask for a path and return the body of a 200 answer.
fn get(address: &str, path: &str, token: &str) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept: text/csv\r\nConnection: close\r\n\r\n"
    )?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse::<u16>().ok())
        .ok_or_else(|| Failure::Malformed(1, format!("not an HTTP status line: {line:?}")))?;
    let (mut chunked, mut length) = (false, None);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.trim().to_ascii_lowercase().as_str() {
                "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
                "content-length" => length = value.trim().parse::<u64>().ok(),
                _ => {}
            }
        }
    }
    let mut body = Vec::new();
    if chunked {
        read_chunks(&mut reader, &mut body)?;
    } else if let Some(length) = length {
        reader.take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(Failure::Malformed(0, "the answer was cut short".into()));
        }
    } else {
        reader.read_to_end(&mut body)?;
    }
    let text = String::from_utf8(body).map_err(|error| Failure::Malformed(0, error.to_string()))?;
    if status == 200 {
        Ok(text)
    } else {
        Err(Failure::Status(status, text))
    }
}

/// Undo the chunked transfer encoding (RFC 9112, 7.1). An answer without its last chunk was cut short.
fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Result<(), Failure> {
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| Failure::Malformed(0, "the answer was cut short".into()))?;
        if size == 0 {
            return Ok(());
        }
        let before = body.len() as u64;
        reader.by_ref().take(size).read_to_end(body)?;
        if body.len() as u64 - before != size {
            return Err(Failure::Malformed(0, "the answer was cut short".into()));
        }
        line.clear();
        reader.read_line(&mut line)?; // the line end behind the chunk
    }
}

/// Read the CSV: the columns that were asked for, in their order.
fn parse(text: &str) -> Result<Vec<Bar>, Failure> {
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, COLUMNS)) => {}
        other => return Err(Failure::Malformed(1, format!("not the columns asked for: {other:?}"))),
    }
    lines.map(|(at, line)| bar(at + 1, line)).collect()
}

fn bar(number: usize, line: &str) -> Result<Bar, Failure> {
    let fields: Vec<&str> = line.split(',').collect();
    let [symbol, time, open, high, low, close, volume, amount] = fields[..] else {
        return Err(Failure::Malformed(number, format!("{} fields, 8 expected", fields.len())));
    };
    let price = |name: &str, text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or_else(|| Failure::Malformed(number, format!("{name} is no number: {text:?}")))
    };
    let whole = |name: &str, text: &str| {
        text.parse::<i64>()
            .map_err(|_| Failure::Malformed(number, format!("{name} is no whole number: {text:?}")))
    };
    Ok(Bar {
        symbol: symbol.to_string(),
        time_ms: whole("time", time)?,
        open: price("open", open)?,
        high: price("high", high)?,
        low: price("low", low)?,
        close: price("close", close)?,
        volume: whole("volume", volume)?,
        amount: if amount.is_empty() { None } else { Some(price("amount", amount)?) },
    })
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let [address, token, symbol, start, end] = arguments else {
        return Err(Failure::Malformed(0, "usage: rust_csv_reader HOST:PORT TOKEN SYMBOL START END".into()));
    };
    let fields = COLUMNS.trim_start_matches("symbol,time,");
    let path = format!("/api/v1/bars?symbols={symbol}&period=1d&start={start}&end={end}&fields={fields}&wait=60");
    let bars = parse(&get(address, &path, token)?)?;
    for bar in &bars {
        println!("{} {} {:.4} {}", bar.symbol, bar.time_ms, bar.close, bar.volume);
    }
    let volume: i64 = bars.iter().map(|bar| bar.volume).sum();
    let amount: f64 = bars.iter().filter_map(|bar| bar.amount).sum();
    let high = bars.iter().map(|bar| bar.high).fold(f64::NEG_INFINITY, f64::max);
    let low = bars.iter().map(|bar| bar.low).fold(f64::INFINITY, f64::min);
    println!("{} bars, {volume} shares, {amount:.2} CNY", bars.len());
    if let (Some(first), Some(last)) = (bars.first(), bars.last()) {
        println!("from {:.4} to {:.4}, between {low:.4} and {high:.4}", first.open, last.close);
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(if matches!(failure, Failure::Status(202, _)) { 2 } else { 1 })
        }
    }
}
