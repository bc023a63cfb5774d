<?php
// Verifies a webhook's signature. PHP 8.0 or newer; only the standard extensions.
//
// Give `verify` the body exactly as it came: before any JSON is read.
//
//     $headers = array_change_key_case(getallheaders());
//     $body = file_get_contents('php://input');
//     if (!verify($secrets, $headers, $body)) {
//         http_response_code(401);
//         exit;
//     }
//     http_response_code(204);

const TOLERANCE_SECONDS = 300;

/**
 * Whether one of the whsec_ secrets signed this request within the last five minutes. Two secrets are valid
 * while one replaces the other: pass both. `$headers` has lower-case names.
 */
function verify(array $secrets, array $headers, string $body, ?int $now = null): bool
{
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!is_recent($timestamp, $now ?? time())) {
        return false;
    }
    $signed = ($headers['webhook-id'] ?? '') . '.' . $timestamp . '.' . $body;
    // The header may hold several signatures, with blanks between: one for each secret that is live.
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $received) {
        foreach ($secrets as $secret) {
            $key = base64_decode(without_prefix($secret));
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
            if (hash_equals($expected, $received)) {
                return true;
            }
        }
    }
    return false;
}

/**
 * The same for a subscription that signs in the original platform's way. `$host` is your host in lower case
 * without a port, `$path` the path of your URL without the query.
 */
function verify_original(
    array $secrets, array $headers, string $body, string $host, string $path, ?int $now = null
): bool {
    $timestamp = $headers['x-webhook-timestamp'] ?? '';
    if (!is_recent($timestamp, $now ?? time())) {
        return false;
    }
    $lines = implode("\n", [
        'POST',
        strlen($host) . ':' . $host,
        strlen($path) . ':' . $path,
        hash('sha256', $body),
        $timestamp,
        $headers['x-webhook-request-id'] ?? '',
    ]);
    foreach ($secrets as $secret) {
        // Here the text behind whsec_ is the key as it stands; it is not decoded.
        $expected = hash_hmac('sha256', $lines, without_prefix($secret));
        if (hash_equals($expected, $headers['x-webhook-signature'] ?? '')) {
            return true;
        }
    }
    return false;
}

function is_recent(string $timestamp, int $now): bool
{
    return preg_match('/^[0-9]{1,11}\z/', $timestamp) === 1 && abs($now - (int) $timestamp) <= TOLERANCE_SECONDS;
}

function without_prefix(string $secret): string
{
    return str_starts_with($secret, 'whsec_') ? substr($secret, strlen('whsec_')) : $secret;
}
