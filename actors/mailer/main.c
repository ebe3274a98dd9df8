#include "mailer.h"

int main(int argc, char **argv)
{
    return actor_main(argc, argv, &mailer_actor);
}
