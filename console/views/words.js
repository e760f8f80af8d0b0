// How numbers, times and the platform's own words are said to a person.

const CAUSES = {
  caller_hangup: "You hung up",
  agent_hangup: "The agent said goodbye",
  operator_hangup: "An operator ended the call",
  transferred: "You were handed to a person",
  max_duration: "The call reached its longest duration",
  silence: "Nobody spoke",
  model_failed: "The model failed",
  media_lost: "The connection was lost",
  worker_lost: "The server handling the call was lost",
  drained: "The server was shut down",
  refused_busy: "All lines were busy",
  refused_policy: "The call was not allowed",
};

// How a call ended that was not made on this page.
const OF_OTHERS = { caller_hangup: "The caller hung up", transferred: "Handed to a person" };

export function causeOf(cause, ours = true) {
  return (ours ? undefined : OF_OTHERS[cause]) ?? CAUSES[cause] ?? (cause ?? "").replaceAll("_", " ");
}

export function clock(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function seconds(ms) {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function money(micros, currency) {
  const value = micros / 1e6;
  const digits = micros !== 0 && Math.abs(value) < 1 ? 6 : 2;
  return new Intl.NumberFormat("en", {
    style: "currency", currency: currency ?? "USD", minimumFractionDigits: 2, maximumFractionDigits: digits,
  }).format(value);
}

export function meter(name) {
  return name.replace(/[._](ms|count)$/, "").replaceAll(/[._]/g, " ");
}

export function quantity(line) {
  if (line.unit === "ms") return seconds(line.quantity);
  if (line.unit === "count") return String(line.quantity);
  return `${new Intl.NumberFormat("en").format(line.quantity)} ${line.unit}`;
}

export function plain(name) {
  return name.replaceAll("_", " ");
}

export function values(data) {
  return Object.entries(data ?? {}).map(([name, value]) => `${plain(name)}: ${short(value)}`).join(" · ");
}

function short(value) {
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function time(iso) {
  return new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
