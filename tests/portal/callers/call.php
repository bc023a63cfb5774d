<?php
// Answers each case of the file with true or false, one a line.
require $argv[1];
foreach (json_decode(file_get_contents($argv[2]), true) as $each) {
    $body = base64_decode($each['body']);
    $valid = isset($each['host'])
        ? verify_original($each['secrets'], $each['headers'], $body, $each['host'], $each['path'], $each['now'])
        : verify($each['secrets'], $each['headers'], $body, $each['now']);
    echo $valid ? "true\n" : "false\n";
}
