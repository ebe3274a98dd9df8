# The founder's pages in the program: every file of pages/ and the modules from npm, as a table.
#
#   include(actors/console/pages.cmake)      adds it to usher_console
#   cmake -DOUT=... -DFILES=... -P pages.cmake   writes the table; the build does this
if(CMAKE_SCRIPT_MODE_FILE)
    set(media_html "text/html; charset=utf-8")
    set(media_css "text/css; charset=utf-8")
    set(media_mjs "text/javascript; charset=utf-8")
    set(media_json "application/json")
    set(media_svg "image/svg+xml")
    set(rows "")
    set(index 0)
    file(WRITE ${OUT} "#include \"assets.h\"\n")
    string(REPLACE "|" ";" FILES "${FILES}")
    foreach(path ${FILES})
        get_filename_component(name ${path} NAME)
        string(REGEX REPLACE "^.*\\." "" ending ${name})
        file(SHA256 ${path} hash)
        string(SUBSTRING ${hash} 0 24 hash)
        execute_process(COMMAND gzip -9nc ${path} OUTPUT_FILE ${OUT}.gz COMMAND_ERROR_IS_FATAL ANY)
        foreach(kind plain gz)
            if(kind STREQUAL plain)
                file(READ ${path} hex HEX)
                set(end "0")
            else()
                file(READ ${OUT}.gz hex HEX)
                set(end "0")
            endif()
            string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
            file(APPEND ${OUT} "static const unsigned char ${kind}_${index}[] = {${bytes}${end}};\n")
        endforeach()
        string(APPEND rows "    {\"${name}\", \"${media_${ending}}\", plain_${index}, sizeof plain_${index} - 1, "
                           "gz_${index}, sizeof gz_${index} - 1, \"\\\"${hash}\\\"\"},\n")
        math(EXPR index "${index} + 1")
    endforeach()
    file(REMOVE ${OUT}.gz)
    file(APPEND ${OUT} "extern const struct asset assets_table[];\nextern const size_t assets_count;\n"
                       "const struct asset assets_table[] = {\n${rows}};\n"
                       "const size_t assets_count = ${index};\n")
    return()
endif()

set(modules_dir ${CMAKE_BINARY_DIR}/pages-modules)
execute_process(COMMAND ${CMAKE_SOURCE_DIR}/ops/pages-modules ${modules_dir} RESULT_VARIABLE failed)
if(failed)
    message(FATAL_ERROR "the modules of the pages are not there (ops/pages-modules)")
endif()
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/pages/* ${modules_dir}/*.mjs)
string(REPLACE ";" "|" listed "${pages}")
add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/pages/assets_table.c
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/pages
    COMMAND ${CMAKE_COMMAND} -DOUT=${CMAKE_BINARY_DIR}/pages/assets_table.c "-DFILES=${listed}" -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${pages} ${CMAKE_CURRENT_LIST_FILE}
    VERBATIM)
target_sources(usher_console PRIVATE ${CMAKE_BINARY_DIR}/pages/assets_table.c)
