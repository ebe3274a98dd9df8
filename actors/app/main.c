#include "app.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &app_actor);
}
