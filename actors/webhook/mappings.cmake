# The shipped mappings in the program: every file of mappings/, by its name without the ending.
#
#   mapping_polar[] = {...}    MAPPINGS(X)    X("clerk", mapping_clerk) X("polar", mapping_polar) ...
file(GLOB mappings CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/actors/webhook/mappings/*.cfg)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${mappings})
set(mapping_rows "")
set(mapping_bytes "")
foreach(path ${mappings})
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(APPEND mapping_bytes "static const unsigned char mapping_${name}[] = {${bytes}0};\n")
    string(APPEND mapping_rows " X(\"${name}\", mapping_${name})")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/mappings/mappings.h
     CONTENT "${mapping_bytes}#define MAPPINGS(X)${mapping_rows}\n")
target_include_directories(usher_webhook PRIVATE ${CMAKE_BINARY_DIR}/mappings)
