# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates for the tests, made by openssl."""

import subprocess


class Authority:
    """A certificate authority in a directory, and the certificates it signs."""

    def __init__(self, directory, name):
        directory.mkdir(parents=True)
        directory.chmod(0o755)  # a database server reads it as its own user
        self.directory = directory
        self.ca = directory / "ca.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", directory / "ca.key", "-out", self.ca)

    def sign(self, name, address, expired=False):
        """Certificate and key for an address."""
        key, request, certificate = (self.directory / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName=IP:{address}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.directory / "ca.key",
                "-CAcreateserial", "-copy_extensions", "copy", "-days", "-1" if expired else "2",
                "-out", certificate)
        key.chmod(0o644)
        return certificate, key


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
