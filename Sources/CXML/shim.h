#pragma once
// Without ICU's headers, which differ from those that Foundation brings along: nothing here uses what they declare.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/catalog.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlschemastypes.h>

/* The error of this thread's last call, NULL where it went well. libxml2 2.12 made the result const: this hides
   which one the machine has. */
static inline const xmlError *limiq_xml_last_error(void) { return xmlGetLastError(); }
