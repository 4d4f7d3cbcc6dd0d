#!/usr/bin/env bash
# Installs the system packages the build needs and checks the Swift version. Says nothing when all is there.
set -euo pipefail

need_swift=6.3
packages=(libsqlite3-dev libuv1-dev libsnappy-dev libzstd-dev zlib1g-dev libcurl4-openssl-dev tzdata)

case "$(uname -s)-$(uname -m)" in
Linux-x86_64 | Linux-aarch64) ;;
*)
    echo "setup: Sluice runs on Linux on x86-64 and arm64; this is $(uname -s) on $(uname -m)" >&2
    exit 1
    ;;
esac

if ! command -v swift >/dev/null; then
    echo "setup: there is no swift; install Swift $need_swift or newer from https://www.swift.org/install/linux" >&2
    exit 1
fi
have=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
if [[ -z $have || $(printf '%s\n%s\n' "$need_swift" "$have" | sort -V | head -n 1) != "$need_swift" ]]; then
    echo "setup: Swift $need_swift or newer is needed, this is ${have:-unknown}; see https://www.swift.org/install/linux" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] || missing+=("$package")
done
if ((${#missing[@]})); then
    if ! command -v apt-get >/dev/null; then
        echo "setup: install these libraries with their headers, then run make again: ${missing[*]}" >&2
        exit 1
    fi
    root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "setup: run as root: apt-get install ${missing[*]}" >&2
            exit 1
        fi
        root=(sudo)
    fi
    echo "setup: installing ${missing[*]}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi
