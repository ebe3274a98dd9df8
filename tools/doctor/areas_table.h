/* areas_table.h - the areas that are looked at, a file each: area_<name>.c
 *
 * X(name)   void area_<name>(struct doctor *doctor) starts what it needs, and may go on later. */
X(files)
X(fleet)
X(endpoint)
X(secret)
X(stripe)
X(targets)
X(mail)
X(names)
