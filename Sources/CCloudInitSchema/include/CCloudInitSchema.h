#pragma once
#include <stddef.h>

/// cloud-init's JSON schema of cloud-config, byte for byte as its version 22.4.2 ships it
/// (cloudinit/config/schemas/schema-cloud-config-v1.json; Apache-2.0, see LICENSE).
const unsigned char *cloud_init_schema(void);
size_t cloud_init_schema_length(void);
