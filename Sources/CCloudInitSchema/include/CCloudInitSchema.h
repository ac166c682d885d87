#pragma once
#include <stddef.h>

/// The bytes of a JSON schema of cloud-init's, as it ships them (Apache-2.0, see LICENSE).
typedef struct {
    const unsigned char *start;
    size_t length;
} cloud_init_schema;

/// The schemas of cloud-config: cloudinit/config/schemas/schema-cloud-config-v1.json of 22.4.2, 25.1.4 and 26.2.
cloud_init_schema cloud_config_schema_22_4(void);
cloud_init_schema cloud_config_schema_25_1(void);
cloud_init_schema cloud_config_schema_26_2(void);

/// The schemas of network-config, versions 1 and 2: schema-network-config-v1.json and -v2.json beside that of 26.2; 22.4
/// has none.
cloud_init_schema network_config_schema_v1(void);
cloud_init_schema network_config_schema_v2(void);
